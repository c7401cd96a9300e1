"""The chapters of the part `attribution`."""
