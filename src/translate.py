"""See i2i.commands.translate, or `python src/translate.py --help`."""

from i2i.commands.translate import main

if __name__ == "__main__":
    main()
