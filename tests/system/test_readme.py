"""What the README and the API guide print does what they say, and did before."""

import ast
import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.each import for_each
from tests.printed import ROOT, blocks
from tests.system.commands import BASH, run
from tests.system.stack import Stack

README = "README.en.md"
GUIDES = ["docs/volcengine_ai_api.md", "docs/volcengine_ai_api.en.md"]
GUIDE = GUIDES[1]
DATA = Path(__file__).parent.parent / "data"  # clients of the first README
# Kind of code in the guide -> how it is run, and how many pictures it leaves.
RUN = {
    "bash": (["bash", "-euo", "pipefail"], 1),
    "sh": (["sh", "-eu"], 1),
    "python": ([sys.executable], 2),
    "javascript": (["node"], 0),
}


def way_to(stack: Stack, folder: Path) -> dict[str, str]:
    """Lets curl find a server at port 8080, where the documents have it."""
    route = f'connect-to = "localhost:8080:127.0.0.1:{stack.port}"\n'
    (folder / ".curlrc").write_text(route)
    return {"CURL_HOME": str(folder), "HOME": str(folder)}


@pytest.mark.system
def test_pictures_by_curl(live_server, tmp_path):
    """
    One call gets the first, and asking again goes on from there; so did the workflow of
    the first README.
    """
    asking = [block for block in blocks(README, "bash") if "result.json" in block]
    assert [block.count("curl") for block in asking] == [2, 1]
    way = way_to(live_server, tmp_path)

    run([*BASH, "".join(asking)], tmp_path, **way)
    said = run(["bash", DATA / "workflow.sh"], **way)

    assert (tmp_path / "picture.jpg").read_bytes().startswith(b"\xff\xd8")
    assert "✅ 图像生成完成!" in said
    assert "http://localhost:8080/i/" in said


@pytest.mark.system
@pytest.mark.browser
def test_javascript_functions_get_their_picture(live_server, chromium):
    """Those of the first README, on the page that the server serves."""
    page = chromium.new_page()
    page.goto(live_server.url)
    functions = (DATA / "client.js").read_text()
    prompt = json.dumps("一只可爱的小猫咪在花园里玩耍")

    url = page.evaluate(
        f"async () => {{ {functions}\n"
        f"return await createImageWithRetry({prompt}, 'user_123'); }}"
    )

    answer = page.request.get(url)
    assert answer.headers["content-type"] == "image/jpeg"
    assert len(answer.body()) > 1000
    page.close()


@pytest.mark.system
def test_ways_in(closed_server, ada):
    """The command that invites prints a link, and a key opens the API."""
    script = "".join(
        block
        for block in blocks(README, "bash")
        if "users invite" in block or "JIMENG_API_KEY" in block
    )
    # Ada has been here for long.
    script = script.replace("invite ada@example.com", "invite new@example.com")
    script = script.replace(".venv/bin/flask", f"{sys.executable} -m flask")
    given = {"JIMENG_API_KEY": ada.key, "JIMENG_URL": closed_server.url}

    said = run([*BASH, script], closed_server.folder, **closed_server.env, **given)

    assert "/invitations/" in said
    assert '"doubao-seedream-3.0-t2i"' in said


@pytest.mark.system
def test_code_of_the_guide_works(live_server, tmp_path):
    """
    Each kind of it, copied from top to bottom, ends well, with the pictures or links
    that it promises; all at once, as they mostly wait.
    """
    here = live_server.url.removeprefix("http://")

    def copy_and_run(kind: str) -> str:
        file = tmp_path / kind / "example.mjs"  # only Node looks at its name
        file.parent.mkdir()
        script = "\n".join(blocks(GUIDE, kind)).replace("localhost:8080", here)
        # One of them cancels all that its user has waiting.
        file.write_text(script.replace("user_123", f"user_{kind}"), "utf-8")
        return run([*RUN[kind][0], file], file.parent)

    with ThreadPoolExecutor() as threads:
        outputs = dict(zip(RUN, threads.map(copy_and_run, RUN), strict=True))

    for kind, output in outputs.items():
        pictures = [*(tmp_path / kind).glob("*.jpg")]
        assert len(pictures) == RUN[kind][1], output
        assert all(each.read_bytes().startswith(b"\xff\xd8") for each in pictures)
    assert re.fullmatch(r"http://\S+/i/\S+\n", outputs["javascript"])


def test_both_languages_of_the_guide_say_the_same():
    """The same headings, tables and commands, in the same order; see test_docs."""
    ours, theirs = ((ROOT / guide).read_text("utf-8") for guide in GUIDES)

    def names(text: str) -> list[str]:
        return re.findall(r"/api/v1/[\w/]+|`[a-z_]+`", text)

    assert len(ours.splitlines()) == len(theirs.splitlines())
    assert names(ours) == names(theirs)


def test_answers_of_the_guide_are_json():
    """What is printed as an answer is one."""
    (block,) = blocks(GUIDE, "json")

    printed = ast.literal_eval(block.replace("true", "True"))
    assert set(printed["data"]) > {"task_id", "status", "links"}


@for_each(
    "name, words, some",
    [
        ("README.md", "[a-z-]+", {"run", "test", "help", "dev"}),
        ("README.en.md", "[a-z-]+", {"run", "test", "help", "dev"}),
        ("docs/热重载使用说明.md", "(?:[a-z-]+ ?)+", {"dev", "run", "fmt", "test"}),
    ],
)
def test_make_targets_exist(name, words, some):
    """Every `make` command that is printed is one."""
    makefile, text = (ROOT / "Makefile").read_text(), (ROOT / name).read_text("utf-8")
    found = re.findall(rf"\bmake ({words})", text)
    named = {target for each in found for target in each.split()}

    assert named >= some
    assert [t for t in named if not re.search(rf"^{t}:", makefile, re.MULTILINE)] == []


def test_commands_of_the_go_version_are_there():
    """Whoever comes from it finds each command, and `make help` names it."""
    listed = subprocess.run(
        ["make", "-C", str(ROOT), "--no-print-directory", "help"],
        capture_output=True,
        text=True,
    )

    for target in (
        *("install", "dev", "run", "build", "test", "fmt", "lint", "help"),
        *("docker-build", "docker-run", "build-linux", "deploy"),
        *("redis-queue-status", "redis-queue-clear", "redis-queue-clear-force"),
    ):
        assert f"make {target} " in listed.stdout, target
