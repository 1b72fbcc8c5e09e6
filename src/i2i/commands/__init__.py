"""The commands; besides src/*.py the only code that knows Hydra."""
