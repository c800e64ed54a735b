"""
Asks PyPI whether a package that production installs has a known vulnerability.

Source: https://docs.pypi.org/api/json/#get-a-release, "Known vulnerabilities"
"""

import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import requests

FILES = ("requirements.txt", "requirements-embedded.txt")
PIN = re.compile(r"^([\w.\-]+)==([\w.!+\-]+)", re.MULTILINE)
PYPI = "https://pypi.org/pypi"
TIMEOUT = (5, 15)  # seconds to connect, to wait for each packet
PATIENCE = 60  # seconds for all of it


def pins(folder: Path) -> dict[str, str]:
    """Names and versions of everything that is locked."""
    return {
        name: version
        for file in FILES
        for name, version in PIN.findall((folder / file).read_text("utf-8"))
    }


def vulnerabilities(answer: dict, name: str = "", version: str = "") -> Iterator[str]:
    """What an answer of PyPI tells of one release, a line each."""
    for each in answer.get("vulnerabilities") or ():
        if each.get("withdrawn"):
            continue
        fixed = ", ".join(each.get("fixed_in") or ["none yet"])
        summary = (each.get("summary") or each.get("details") or "").split("\n")[0]
        yield f"{name} {version}: {each['id']}, fixed in {fixed}: {summary}"
    files = answer.get("urls") or []
    if files and all(file.get("yanked") for file in files):
        yield f"{name} {version}: withdrawn by its authors"


def ask(
    locked: dict[str, str], index: str = PYPI, within: float = PATIENCE
) -> tuple[list[str], int, str]:
    """
    Ask *index* about each release.

    Returns:
        What was found, a line each; of how many it answered; and why not of the
        others, if there are any.
    """
    found: list[str] = []
    answered, reason, end = 0, "", time.monotonic() + within
    with requests.Session() as session:
        for name, version in locked.items():
            if time.monotonic() > end:
                return found, answered, "it is too slow"
            url = f"{index}/{name}/{version}/json"
            try:
                answer = session.get(url, timeout=TIMEOUT)
                answer.raise_for_status()
                told = answer.json()
            except (requests.ConnectionError, requests.Timeout) as error:
                # Nor will the next one come through.
                return found, answered, type(error).__name__
            except requests.RequestException as error:  # a mirror has packages only
                reason = type(error).__name__
                continue
            answered += 1
            found += vulnerabilities(told, name, version)
    return found, answered, reason


def main() -> int:
    """Print what was found; 1 if there was anything, 0 if not or nobody could tell."""
    locked = pins(Path(__file__).parent.parent)
    found, answered, reason = ask(locked)
    print(*found, sep="\n", end="\n" if found else "")
    print(f"audit: {len(found)} known vulnerabilities in {answered} packages")
    if answered < len(locked):
        silent = len(locked) - answered
        print(f"audit: not known of {silent}, PyPI told nothing ({reason})")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
