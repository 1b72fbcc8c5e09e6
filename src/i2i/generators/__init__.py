"""Generators: plain modules from an image to an image.

A generator takes ``in_channels`` and ``out_channels`` among its arguments, maps
(B, in_channels, H, W) in [-1, 1] to (B, out_channels, H, W) in [-1, 1], and says in its attribute
``divisor`` which multiple H and W must be (in pixels).

One whose hidden maps can be looked at names its layers: ``layer_channels`` is a dictionary from
their names, in the order of computing, to their numbers of feature maps, and ``taps`` names those
that are compared by default. Called with ``taps=names`` it returns the list of their maps instead
of an image, and goes no further than it has to.
"""
