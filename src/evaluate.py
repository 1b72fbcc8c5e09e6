"""See i2i.commands.evaluate, or `python src/evaluate.py --help`."""

from i2i.commands.evaluate import main

if __name__ == "__main__":
    main()
