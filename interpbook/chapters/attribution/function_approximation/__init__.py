"""What the chapter on function approximation alone needs."""
