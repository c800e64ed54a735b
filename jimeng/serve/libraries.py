"""
Load the libraries of the web server's workers before these are forked.

They are loaded once, and their memory is shared. jimeng's own modules are not among
them: restarted workers load the current code. gevent's monkey patches have to be
applied first; nothing that a consumer imports may apply them.
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
    """Patch and load; call it before importing anything with sockets or threads."""
    monkey.patch_all(os=False, signal=False)
    hashlib.scrypt = functools.partial(compute, hashlib.scrypt)
    # As in `wsgi`. Frozen objects are not traversed by the collector, so their memory
    # pages stay shared.
    gc.disable()
    for name in LIBRARIES:
        importlib.import_module(name)
    gc.freeze()
    gc.enable()


def compute(work: Callable, *arguments: Any, **named: Any) -> Any:
    """Run CPU-bound *work* in a native thread, so that other requests go on."""
    return gevent.get_hub().threadpool.apply(work, arguments, named)
