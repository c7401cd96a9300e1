"""What the chapter `CHAPTER` alone needs."""
