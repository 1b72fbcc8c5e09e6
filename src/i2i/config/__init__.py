"""Composed configurations: checking, resuming, comparing, reading one out of a checkpoint."""
