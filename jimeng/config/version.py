"""The version of this release, and the commit of the sources that run."""

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

VERSION = "0.1.0"
ROOT = Path(__file__).parents[2]
ARCHIVED = "$Format:%H$"  # `git archive` puts the commit here
# Images and platforms run the sources without their repository, and say it in one of
# these: docker build, Heroku (two names), Dokku.
VARIABLES = ("SOURCE_VERSION", "HEROKU_BUILD_COMMIT", "HEROKU_SLUG_COMMIT", "GIT_REV")
HASH = re.compile(r"[0-9a-f]{7,64}")
UNKNOWN = "unknown"
SHORT = 12  # letters


def find_commit(
    root: Path, environ: Mapping[str, str], archived: str = ARCHIVED
) -> str:
    """The commit of the sources at *root*; "unknown" if it cannot be found."""
    told = [archived]
    if (root / ".git").exists():
        told.append(checked_out(root))
    told += [environ.get(name, "") for name in VARIABLES]
    return next((each for each in told if HASH.fullmatch(each)), UNKNOWN)


def checked_out(root: Path) -> str:
    """The commit according to git; nothing if git is not installed."""
    # The checkout may be another user's than the service's.
    words = ["git", "-c", "safe.directory=*", "-C", str(root), "rev-parse", "HEAD"]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=5)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


# When the process starts: a checkout that is updated later does not run yet.
COMMIT = find_commit(ROOT, os.environ)
RELEASE = f"{VERSION} ({COMMIT[:SHORT]})"
