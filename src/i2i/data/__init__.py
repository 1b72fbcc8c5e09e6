"""Paired images: from files on disk to batches of tensors in [-1, 1]."""
