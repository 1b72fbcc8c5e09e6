"""Translating with a trained generator: test-time noise, large pictures in tiles."""
