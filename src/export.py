"""See i2i.commands.export, or `python src/export.py --help`."""

import signal

if __name__ == "__main__":
    # While modules are imported Ctrl-C ends the program as SIGTERM does; then `launch` takes it.
    if signal.getsignal(signal.SIGINT) == signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from i2i.commands.export import main

    main()
