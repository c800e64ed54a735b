"""
The list of what is shipped, in CycloneDX: `python -m tests.sbom dist/sbom.cdx.json`.

Python's packages by cyclonedx-py from the lock, with their hashes, and the code of
others that browsers are given, by its own list.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
VENDORED = re.compile(
    r"^\|.*\[([\w.\-]+)\]\(https?://[^)]+\).*\| ([\d.]+) \|", re.MULTILINE
)


def vendored() -> dict[str, str]:
    """Names and versions of what stands in ``static/vendor``."""
    text = (ROOT / "static/vendor/VENDOR.md").read_text("utf-8")
    return dict(VENDORED.findall(text))


def component(name: str, version: str) -> dict:
    purl = f"pkg:npm/{name}@{version}"
    about = {"type": "library", "name": name, "version": version}
    return {**about, "bom-ref": purl, "purl": purl}


def main(file: Path) -> None:
    """Write the list to *file*."""
    command = [
        *(sys.executable, "-m", "cyclonedx_py", "requirements", "requirements.txt"),
        *("--pyproject", "pyproject.toml", "--output-reproducible"),
        *("--output-format", "JSON", "--output-file", "-"),
    ]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    bom = json.loads(ran.stdout)
    bom["components"] += [component(*each) for each in vendored().items()]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(bom, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
    print(f"written: {sys.argv[1]}")
