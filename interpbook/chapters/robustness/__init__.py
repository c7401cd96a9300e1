"""The chapters of the part `robustness`."""
