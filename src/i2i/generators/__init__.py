"""Generators: plain modules from an image to an image.

A generator takes ``in_channels`` and ``out_channels`` among its arguments, maps
(B, in_channels, H, W) in [-1, 1] to (B, out_channels, H, W) in [-1, 1], and says in its attribute
``divisor`` which multiple H and W must be (in pixels).
"""
