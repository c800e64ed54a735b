"""The code of the API guide does what it says, in both languages."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
GUIDES = ["volcengine_ai_api.md", "volcengine_ai_api.en.md"]
RUN = {
    "bash": ["bash", "-euo", "pipefail"],
    "sh": ["sh", "-eu"],
    "python": [sys.executable],
    "javascript": ["node"],
}
SUFFIX = {"bash": "sh", "sh": "sh", "python": "py", "javascript": "mjs"}
CASES = [(guide, kind) for guide in GUIDES for kind in RUN]


def code(guide: str, kind: str) -> str:
    """All blocks of a kind: a reader copies them from top to bottom."""
    text = (DOCS / guide).read_text("utf-8")
    blocks = re.findall(rf"^```{kind}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return "\n".join(blocks)


@pytest.fixture(scope="module")
def running(live_server, tmp_path_factory) -> Iterator[dict]:
    """All of them at once: they mostly wait."""
    started = {}
    for guide, kind in CASES:
        folder = tmp_path_factory.mktemp(kind)
        file = folder / f"example.{SUFFIX[kind]}"
        here = live_server.url.removeprefix("http://")
        script = code(guide, kind).replace("localhost:8080", here)
        # One of them cancels all that its user has waiting.
        script = script.replace("user_123", f"user_{len(started)}")
        file.write_text(script, "utf-8")
        with open(folder / "output", "wb") as output:
            started[guide, kind] = (
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
@pytest.mark.parametrize("guide, kind", CASES)
def test_code_of_the_guide_works(running, guide, kind):
    """It ends well, with the pictures or links that it promises."""
    folder, process = running[guide, kind]

    status = process.wait(90)

    output = (folder / "output").read_text("utf-8")
    assert status == 0, output
    pictures = [*folder.glob("*.jpg")]
    wanted = {"bash": 1, "sh": 1, "python": 2, "javascript": 0}[kind]
    assert len(pictures) == wanted, output
    assert all(each.read_bytes().startswith(b"\xff\xd8") for each in pictures)
    if kind == "javascript":
        assert re.fullmatch(r"http://\S+/i/\S+\n", output)


def test_both_languages_say_the_same():
    """The same headings, tables and commands, in the same order."""
    ours, theirs = ((DOCS / guide).read_text("utf-8") for guide in GUIDES)

    def frame(text: str) -> list[str]:
        return [re.match(r"\W*", line)[0] for line in text.splitlines()]

    def names(text: str) -> list[str]:
        return re.findall(r"/api/v1/[\w/]+|`[a-z_]+`", text)

    assert len(frame(ours)) == len(frame(theirs))
    assert names(ours) == names(theirs)


@pytest.mark.parametrize("guide", GUIDES)
def test_answers_of_the_guide_are_json(guide):
    """What is printed as an answer is one."""
    text = (DOCS / guide).read_text("utf-8")
    (block,) = re.findall(r"^```json\n(.*?)^```", text, re.MULTILINE | re.DOTALL)

    printed = ast.literal_eval(block.replace("true", "True"))
    assert set(printed["data"]) > {"task_id", "status", "links"}


def test_commands_for_restarting_on_changes_exist():
    """Every `make` target that the page names is one."""
    text = (DOCS / "热重载使用说明.md").read_text("utf-8")
    makefile = (ROOT / "Makefile").read_text("utf-8")

    words = re.findall(r"\bmake ((?:[a-z-]+ ?)+)", text)
    named = {name for found in words for name in found.split()}
    assert named >= {"dev", "run", "fmt", "lint", "test"}
    assert [n for n in named if not re.search(rf"^{n}:", makefile, re.MULTILINE)] == []
