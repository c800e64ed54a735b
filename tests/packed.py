"""The packed tarball installs by the words that `make build-linux` prints, without a
network, and the program in it starts: `python -m tests.packed`."""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent


def main() -> None:
    made = subprocess.run(
        ["make", "--no-print-directory", "build-linux"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    (pack,) = re.findall(r"^packed: (.*)$", made, re.MULTILINE)
    steps = re.findall(r"^  (.*)$", made, re.MULTILINE)
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(ROOT / pack, folder)
        steps += ["test -s README.md", ".venv/bin/flask --app app version"]
        words = ["bash", "-euc", "\n".join(steps)]
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    print("packed, installed, started:", pack)


if __name__ == "__main__":
    main()
