"""
Has a package that production installs a known vulnerability? By pip-audit.

It asks PyPI and, where that tells nothing of a package, OSV. What neither tells is
said aloud; if neither tells anything, that is an error of its own.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
FILES = ("requirements.txt", "requirements-embedded.txt", "requirements-s3.txt")
NOTHING_KNOWN = 2  # the status; behind a mirror without that knowledge, or offline
PATIENCE = 90.0  # seconds for one service
SERVICES = (("-s", "pypi"), ("-s", "osv"))  # the words that choose each


def ask(files: Sequence[Path], *words: str, within: float) -> tuple[list[dict], str]:
    """
    Have pip-audit ask about the locked *files*.

    Args:
        words: More arguments for pip-audit, such as another service.

    Returns:
        What it says of each package, and in its own words why it says nothing.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        command = [
            *(sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes"),
            *("--progress-spinner", "off", "--format", "json", "--output", str(report)),
            *(word for file in files for word in ("--requirement", str(file))),
            *words,
        ]
        try:
            ran = subprocess.run(
                command, capture_output=True, text=True, timeout=within, check=False
            )
        except subprocess.TimeoutExpired:
            return [], f"no answer within {within:.0f} s"
        if report.is_file():
            return json.loads(report.read_text("utf-8"))["dependencies"], ""
        said = ran.stderr.strip().splitlines() or [f"status {ran.returncode}"]
        return [], said[-1]


def lines(packages: Sequence[dict]) -> Iterator[str]:
    """A line for each vulnerability."""
    for each in packages:
        for hole in each.get("vulns", ()):
            fixed = ", ".join(hole["fix_versions"]) or "none yet"
            names = " ".join((hole["id"], *hole.get("aliases", ())))
            yield f"{each['name']} {each['version']}: {names}, fixed in {fixed}"


def main(
    files: Sequence[Path] = tuple(ROOT / name for name in FILES),
    services: Sequence[Sequence[str]] = SERVICES,
    within: float = PATIENCE,
) -> int:
    """Print what was found; 1 if there was anything, 2 if no package is known."""
    found: set[str] = set()
    known: set[str] = set()
    silences: list[str] = []
    for words in services:
        packages, silence = ask(files, *words, within=within)
        found |= set(lines(packages))
        skipped = [each["skip_reason"] for each in packages if "skip_reason" in each]
        known |= {each["name"] for each in packages if "vulns" in each}
        if packages and not skipped:
            break
        silences.append(silence or f"{skipped[0]} and {len(skipped) - 1} more")
    else:
        print("audit: NOT EVERYTHING IS KNOWN:", *silences, sep="\n  ")
    print(*sorted(found), sep="\n", end="\n" if found else "")
    print(f"audit: {len(found)} known vulnerabilities in {len(known)} packages")
    return 1 if found else 0 if known else NOTHING_KNOWN


if __name__ == "__main__":
    sys.exit(main())
