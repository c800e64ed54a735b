"""Gunicorn's master, in a process of its own, as `tests.forks` has the others: what
needs gevent's sockets cannot be forked from what was imported without them."""

from jimeng.serve import libraries

if __name__ == "__main__":
    libraries.load()  # first of all

import sys  # noqa: E402

from tests import forks  # noqa: E402

if __name__ == "__main__":
    forks.adjust()
    forks.run(sys.argv[1:])
