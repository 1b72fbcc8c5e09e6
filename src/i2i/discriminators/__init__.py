"""Discriminators: plain modules from (input, image) to logit maps and features."""
