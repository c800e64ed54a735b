"""
The libraries that the web server's workers need, loaded before these are forked.

So they are loaded once and their memory is shared. Nothing of jimeng is among them:
workers that are renewed take the code as it is then. They have to find gevent's
sockets, locks and threads, so these are put in place first; nothing that a consumer
imports may do so.
"""

import functools
import gc
import hashlib
import importlib
from collections.abc import Callable
from typing import Any

import gevent
from gevent import monkey

LIBRARIES = (
    *("flask", "flask_smorest", "mongoengine", "gridfs", "redis", "huey"),
    *("requests", "PIL.Image", "prometheus_client"),
)


@functools.cache
def load() -> None:
    """Before anything else is imported that has to do with sockets or threads."""
    monkey.patch_all(os=False, signal=False)
    hashlib.scrypt = functools.partial(compute, hashlib.scrypt)
    # As in `wsgi`; and what nobody looks through stays shared.
    gc.disable()
    for name in LIBRARIES:
        importlib.import_module(name)
    gc.freeze()
    gc.enable()


def compute(work: Callable, *arguments: Any, **named: Any) -> Any:
    """What takes long has a thread of the system's; others are answered meanwhile."""
    return gevent.get_hub().threadpool.apply(work, arguments, named)
