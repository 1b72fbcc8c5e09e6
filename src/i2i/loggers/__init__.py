"""Loggers of a run; the CSV file is always written, W&B and TensorBoard beside it."""
