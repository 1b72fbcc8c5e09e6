"""What a checkpoint is scored with, and on which data."""
