"""What the chapter `leakage` alone needs."""
