"""What the chapter `submodular` alone needs."""
