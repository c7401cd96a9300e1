"""What the chapter on the density hidden in a classifier alone needs."""
