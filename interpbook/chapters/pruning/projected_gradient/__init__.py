"""What the chapter `projected_gradient` alone needs."""
