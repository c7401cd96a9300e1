"""What a cell shows: text with a rich form, pictures with words, measured numbers that carry their spread."""
