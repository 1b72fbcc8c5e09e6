"""Pictures: reading, writing, value ranges, rounding to 8 bits."""
