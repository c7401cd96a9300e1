"""The chapters of the part `pruning`."""
