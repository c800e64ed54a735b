"""
The decoder process.

    python -c "…; main(MEMORY, SECONDS)"

It answers requests from its standard input one by one (see `decoder`). Image decoders
are written in C and have had vulnerabilities; here an exploit would find no secrets,
and limited memory and CPU time.
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
from jimeng.pictures.decoding import describe
from jimeng.pictures.encoding import encode, shrink
from jimeng.pictures.normalising import normalise
from jimeng.pictures.resizing import fit, fit_mask

QUESTION = struct.Struct(">II")  # lengths of the JSON request and of the picture
ANSWER = struct.Struct(">II")  # lengths of the JSON response and of the output
# The functions that can be called.
WORK: dict[str, Callable[..., tuple[dict[str, object], bytes]]] = {
    "describe": describe,
    "encode": encode,
    "shrink": shrink,
    "normalise": normalise,
    "fit": fit,
    "fit_mask": fit_mask,
}


def main(memory: int, seconds: int) -> None:
    """
    Answer requests until standard input ends.

    Args:
        memory: Limit of the address space, in bytes.
        seconds: CPU time limit for one picture.
    """
    confine(memory)
    # Pixels are checked by `check_sides`.
    warnings.simplefilter("ignore", Pillow.DecompressionBombWarning)
    source, out = sys.stdin.buffer, sys.stdout.buffer
    with suppress(BrokenPipeError):  # the parent is gone
        while head := source.read(QUESTION.size):
            usage = resource.getrusage(resource.RUSAGE_SELF)
            limit(resource.RLIMIT_CPU, int(usage.ru_utime + usage.ru_stime) + seconds)
            command_length, size = QUESTION.unpack(head)
            order = json.loads(source.read(command_length))
            answer(out, WORK[order.pop("do")], source.read(size), **order)


def confine(memory: int) -> None:
    """Limit the memory of this process, and let only its parent end it."""
    # On shutdown the parent finishes its work; then standard input ends.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    limit(resource.RLIMIT_AS, memory)
    limit(resource.RLIMIT_CORE, 0)


def answer(
    out: BinaryIO,
    work: Callable[..., tuple[dict[str, object], bytes]],
    content: object,
    **order: object,
) -> None:
    """Call *work*, and write what it returns, or why the picture is refused."""
    output = b""
    try:
        about, output = work(content, **order)
    except PictureInvalid as error:
        about = {"error": str(error), "reason": error.reason}
    text = json.dumps(about).encode()
    out.write(ANSWER.pack(len(text), len(output)) + text + output)
    out.flush()


def limit(what: int, most: int) -> None:
    """Set a resource limit, where the system supports it."""
    with suppress(OSError, ValueError):
        resource.setrlimit(what, (most, resource.getrlimit(what)[1]))
