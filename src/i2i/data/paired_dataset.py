"""The name that a batch had before ``batches``; for code that still asks for it."""

from i2i.data.batches import Batch as PairBatch

__all__ = ["PairBatch"]
