"""What a training step tells whoever watches it, and where numbers stopped being any."""
