"""How fast and how large training, data, evaluation and translation are; `make bench` runs all."""
