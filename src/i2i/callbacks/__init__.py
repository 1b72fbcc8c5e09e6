"""Callbacks that watch a run: scores, sample pictures, throughput. None touches a gradient."""
