"""What is installed is what was chosen, byte for byte."""

import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from tests.audit import pins, vulnerabilities

ROOT = Path(__file__).parent.parent
LOCKS = ("requirements.txt", "requirements-embedded.txt", "requirements-dev.txt")
ENTRY = re.compile(
    r"[\w.\-]+==[^\s;]+( ; [^\\\n]+)?( \\\n    --hash=sha256:[0-9a-f]{64})+"
)


def entries(file: str) -> list[str]:
    text = (ROOT / file).read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return re.split(r"\n(?=\S)", "\n".join(lines).strip())


def wanted(file: str) -> set[str]:
    lines = (ROOT / file).read_text("utf-8").splitlines()
    plain = [re.split(r"[;#]", line)[0].strip() for line in lines]
    return {line for line in plain if line and not line.startswith("-r")}


@pytest.mark.parametrize("file", LOCKS)
def test_every_package_has_its_version_and_hashes(file):
    """Nothing else than what was looked at can be installed."""
    assert [each for each in entries(file) if not ENTRY.fullmatch(each)] == []


@pytest.mark.parametrize("file", LOCKS)
def test_lock_is_of_what_was_asked_for(file):
    """`make lock` was not forgotten."""
    locked = {each.split(" ")[0] for each in entries(file)}

    assert wanted(file.replace(".txt", ".in")) <= locked


def test_locks_agree():
    """Tests run on the versions that production runs on."""
    production = {e.split(" ")[0] for f in LOCKS[:2] for e in entries(f)}

    assert production <= {each.split(" ")[0] for each in entries(LOCKS[2])}


def test_what_is_installed_is_what_is_locked():
    """This environment is not older or newer than the lock."""
    differing = {}
    for name, locked in pins(ROOT).items():
        try:
            installed = version(name)
        except PackageNotFoundError:
            continue  # of another platform
        if installed != locked:
            differing[name] = (installed, locked)

    assert differing == {}


def test_vulnerability_would_be_told():
    """The audit reads what PyPI answers; what was withdrawn is no finding."""
    known = {"id": "PYSEC-1", "fixed_in": ["2.0"], "summary": "bad\nand more"}
    old = {"id": "PYSEC-2", "fixed_in": [], "withdrawn": "2026-01-01T00:00:00Z"}
    answer = {"vulnerabilities": [known, old], "urls": [{"yanked": True}]}

    assert list(vulnerabilities(answer, "kit", "1.0")) == [
        "kit 1.0: PYSEC-1, fixed in 2.0: bad",
        "kit 1.0: withdrawn by its authors",
    ]
    assert list(vulnerabilities({"vulnerabilities": [], "urls": []})) == []
