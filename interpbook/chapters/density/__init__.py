"""The chapters of the part `density`."""
