"""See i2i.commands.train, or `python src/train.py --help`."""

from i2i.commands.train import main

if __name__ == "__main__":
    main()
