"""Scores of made images against their targets, all on 8-bit images."""
