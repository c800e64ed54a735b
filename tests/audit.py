"""
Asks PyPI whether a package that production installs has a known vulnerability.

Source: https://docs.pypi.org/api/json/#get-a-release, "Known vulnerabilities"
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import requests

FILES = ("requirements.txt", "requirements-embedded.txt")
PIN = re.compile(r"^([\w.\-]+)==([\w.!+\-]+)", re.MULTILINE)
TIMEOUT = (5, 15)  # seconds to connect, to wait for each packet


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


def main() -> int:
    """Print what was found; 1 if there was anything, 0 if not or nobody could tell."""
    locked = pins(Path(__file__).parent.parent)
    found: list[str] = []
    silent, reason = set(locked), ""
    with requests.Session() as session:
        for name, version in locked.items():
            url = f"https://pypi.org/pypi/{name}/{version}/json"
            try:
                answer = session.get(url, timeout=TIMEOUT)
                answer.raise_for_status()
            except requests.RequestException as error:
                reason = type(error).__name__
                if isinstance(error, requests.ConnectionError):
                    break  # nor will the next one come through
                continue
            silent.discard(name)
            found += vulnerabilities(answer.json(), name, version)
    print(*found, sep="\n", end="\n" if found else "")
    asked = len(locked) - len(silent)
    print(f"audit: {len(found)} known vulnerabilities in {asked} packages")
    if silent:
        print(f"audit: not known of {len(silent)}, PyPI told nothing ({reason})")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
