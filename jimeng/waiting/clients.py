"""Whether whoever waits for an answer is still there."""

import socket
from collections.abc import Mapping


def is_gone(environ: Mapping[str, object]) -> bool:
    """
    Whether the client of a WSGI request has closed its connection, as far as the
    server lets that be seen. What it may have sent meanwhile stays unread.
    """
    link = environ.get("gunicorn.socket")
    if not isinstance(link, socket.socket):
        return False
    try:
        # Not by a method of its own, which may wait.
        return not socket.socket.recv(link, 1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True
