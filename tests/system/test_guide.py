"""The code of the API guide does what it says."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.printed import ROOT, blocks
from tests.waiting import PATIENCE_S

GUIDES = ["docs/volcengine_ai_api.md", "docs/volcengine_ai_api.en.md"]
GUIDE = GUIDES[1]
RUN = {
    "bash": ["bash", "-euo", "pipefail"],
    "sh": ["sh", "-eu"],
    "python": [sys.executable],
    "javascript": ["node"],
}
SUFFIX = {"bash": "sh", "sh": "sh", "python": "py", "javascript": "mjs"}


@pytest.fixture(scope="module")
def running(live_server, tmp_path_factory) -> Iterator[dict]:
    """All of them at once: they mostly wait."""
    started = {}
    for kind in RUN:
        folder = tmp_path_factory.mktemp(kind)
        file = folder / f"example.{SUFFIX[kind]}"
        here = live_server.url.removeprefix("http://")
        # A reader copies all of a kind from top to bottom.
        script = "\n".join(blocks(GUIDE, kind)).replace("localhost:8080", here)
        # One of them cancels all that its user has waiting.
        script = script.replace("user_123", f"user_{len(started)}")
        file.write_text(script, "utf-8")
        with open(folder / "output", "wb") as output:
            started[kind] = (
                folder,
                subprocess.Popen(
                    [*RUN[kind], str(file)],
                    cwd=folder,
                    stdout=output,
                    stderr=output,
                ),
            )
    yield started
    for _, process in started.values():
        process.kill()
        process.wait()


@pytest.mark.system
@pytest.mark.parametrize("kind", RUN)
def test_code_of_the_guide_works(running, kind):
    """It ends well, with the pictures or links that it promises."""
    folder, process = running[kind]

    status = process.wait(PATIENCE_S)

    output = (folder / "output").read_text("utf-8")
    assert status == 0, output
    pictures = [*folder.glob("*.jpg")]
    wanted = {"bash": 1, "sh": 1, "python": 2, "javascript": 0}[kind]
    assert len(pictures) == wanted, output
    assert all(each.read_bytes().startswith(b"\xff\xd8") for each in pictures)
    if kind == "javascript":
        assert re.fullmatch(r"http://\S+/i/\S+\n", output)


def test_both_languages_say_the_same():
    """The same headings, tables and commands, in the same order; see test_docs."""
    ours, theirs = ((ROOT / guide).read_text("utf-8") for guide in GUIDES)

    def frame(text: str) -> list[str]:
        return [re.match(r"\W*", line)[0] for line in text.splitlines()]

    def names(text: str) -> list[str]:
        return re.findall(r"/api/v1/[\w/]+|`[a-z_]+`", text)

    assert len(frame(ours)) == len(frame(theirs))
    assert names(ours) == names(theirs)


def test_answers_of_the_guide_are_json():
    """What is printed as an answer is one."""
    (block,) = blocks(GUIDE, "json")

    printed = ast.literal_eval(block.replace("true", "True"))
    assert set(printed["data"]) > {"task_id", "status", "links"}
