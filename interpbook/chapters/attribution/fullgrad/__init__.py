"""What the chapter on full-gradients alone needs."""
