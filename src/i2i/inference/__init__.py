"""Translating with a trained generator: test-time modes, tiles, rebuilding a saved model."""
