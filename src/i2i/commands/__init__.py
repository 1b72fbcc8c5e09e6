"""The commands; with config/ and src/*.py the only code that knows Hydra."""
