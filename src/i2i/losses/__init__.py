"""Losses: no optimisers, no networks of their own; each returns scalars by name."""
