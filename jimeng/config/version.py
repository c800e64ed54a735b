"""The version of this release, and the commit of the running sources."""

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

VERSION = "0.1.0"
ROOT = Path(__file__).parents[2]
ARCHIVED = "$Format:%H$"  # `git archive` puts the commit here
# Images and platforms run the sources without their repository, and set the commit in
# one of these variables: docker build, Heroku (two names), Dokku.
VARIABLES = ("SOURCE_VERSION", "HEROKU_BUILD_COMMIT", "HEROKU_SLUG_COMMIT", "GIT_REV")
HASH = re.compile(r"[0-9a-f]{7,64}")
UNKNOWN = "unknown"
SHORT = 12  # letters


def find_commit(
    root: Path, environ: Mapping[str, str], archived: str = ARCHIVED
) -> str:
    """Return the commit of the sources at *root*, or "unknown"."""
    candidates = [archived]
    if (root / ".git").exists():
        candidates.append(checked_out(root))
    candidates += [environ.get(name, "") for name in VARIABLES]
    return next((each for each in candidates if HASH.fullmatch(each)), UNKNOWN)


def checked_out(root: Path) -> str:
    """Return the commit according to git; an empty string if git is not installed."""
    # The checkout may belong to another user than the service's.
    command = ["git", "-c", "safe.directory=*", "-C", str(root), "rev-parse", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


# Read when the process starts: a checkout that is updated later is not running yet.
COMMIT = find_commit(ROOT, os.environ)
RELEASE = f"{VERSION} ({COMMIT[:SHORT]})"
