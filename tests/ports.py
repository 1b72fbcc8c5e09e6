"""A port for a program that is told where to listen."""

import secrets
import socket

# Below those that systems hand out to connections by themselves (Linux from 32768 on, others from
# 49152 on): such a port could be taken between this look and the program's start.
LEAST, MOST = 20_000, 32_000


def free_port() -> int:
    """A port on which nobody listens."""
    while True:
        port = LEAST + secrets.randbelow(MOST - LEAST)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
