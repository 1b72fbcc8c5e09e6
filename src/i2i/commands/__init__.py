"""The commands; with config/, checkpoints/ and src/*.py the only code that knows Hydra."""
