"""Composed configurations: checks, resuming, differences, and a model rebuilt from its own."""
