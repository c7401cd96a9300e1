"""What the chapter `stability` alone needs."""
