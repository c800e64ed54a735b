"""
The process that decodes.

    python -c "…; main(MEMORY, SECONDS)"

It answers, one by one, what comes by its standard input (see `inspection`). Decoders
are written in C and have had holes; here such a hole would find no secrets, and
neither memory nor time without end.
"""

import json
import resource
import signal
import struct
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import BinaryIO

from PIL import Image as Pillow

from jimeng.errors import PictureInvalid
from jimeng.pictures.decoding import look
from jimeng.pictures.encoding import encode, shrink
from jimeng.pictures.normalising import normalise
from jimeng.pictures.resizing import fit, fit_mask

QUESTION = struct.Struct(">II")  # bytes of JSON: what to do; of the picture
ANSWER = struct.Struct(">II")  # bytes of JSON, of the picture that was made

# What it can do with a picture: describe it, and make another one of it.
WORK: dict[str, Callable[..., tuple[dict[str, object], bytes]]] = {
    "look": look,
    "encode": encode,
    "shrink": shrink,
    "normalise": normalise,
    "fit": fit,
    "fit_mask": fit_mask,
}


def main(memory: int, seconds: int) -> None:
    """
    Answer what comes by standard input until it ends.

    Args:
        memory: Bytes of address space.
        seconds: Of the processor, for one picture.
    """
    # Whoever asks finishes what it holds when it is told to stop; then this ends.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    limit(resource.RLIMIT_AS, memory)
    limit(resource.RLIMIT_CORE, 0)
    # Pixels are counted here, each time.
    warnings.simplefilter("ignore", Pillow.DecompressionBombWarning)
    given, out = sys.stdin.buffer, sys.stdout.buffer
    with suppress(BrokenPipeError):  # whoever asked is gone
        while head := given.read(QUESTION.size):
            usage = resource.getrusage(resource.RUSAGE_SELF)
            limit(resource.RLIMIT_CPU, int(usage.ru_utime + usage.ru_stime) + seconds)
            answer(given, out, *QUESTION.unpack(head))


def answer(given: BinaryIO, out: BinaryIO, words: int, size: int) -> None:
    order, made = json.loads(given.read(words)), b""
    try:
        about, made = WORK[order.pop("do")](given.read(size), **order)
    except PictureInvalid as error:
        about = {"error": str(error), "reason": error.reason}
    text = json.dumps(about).encode()
    out.write(ANSWER.pack(len(text), len(made)) + text + made)
    out.flush()


def limit(what: int, most: int) -> None:
    """Set a limit that a process has; systems that have none go without."""
    with suppress(OSError, ValueError):
        resource.setrlimit(what, (most, resource.getrlimit(what)[1]))
