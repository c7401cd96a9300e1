"""What the chapter `off_manifold` alone needs."""
