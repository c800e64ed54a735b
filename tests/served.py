"""
Gunicorn with what the tests change, in a process of its own: what needs gevent's
sockets cannot be forked from what was imported without them, as in `tests.forks`.
"""

from gevent import monkey

if __name__ == "__main__":
    monkey.patch_all()  # first of all

import gc  # noqa: E402
import sys  # noqa: E402

import app  # noqa: E402, F401 - its workers need not import it anew
from tests import forks  # noqa: E402

if __name__ == "__main__":
    forks.adjust()
    gc.freeze()
    forks.run(sys.argv[1:])
