"""Encoders: plain modules from an image to the distribution of a code."""
