"""The built-in data set: drawn street scenes with label maps."""
