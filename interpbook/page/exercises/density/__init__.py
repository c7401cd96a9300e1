"""The exercises of the chapters on the density that a classifier hides."""
