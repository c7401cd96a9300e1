"""The chapters of the part `PART`."""
