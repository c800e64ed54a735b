"""``docs/architecture.md``: its rooms, its way of a prompt and its files are real."""

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from jimeng import jobs
from jimeng.providers import Registry
from simulator import Simulator
from tests.each import for_each
from tests.rest import CREATE
from tests.test_layers import LEAVES, LEVELS
from tests.way import files, watched

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "docs/architecture.md", ROOT / "docs/architecture.en.md"]
READMES = {
    "README.md": "docs/architecture.md",
    "README.en.md": "docs/architecture.en.md",
}
KEYS = {"VOLCENGINE_ACCESS_KEY": "AKLTdemo", "VOLCENGINE_SECRET_KEY": "secret"}
NAMES = 40  # columns of the drawing, before what is said of them
MAX_FILES = 4  # for a route
ROOMS = [path for path in ROOT.glob("jimeng/*/__init__.py")]


def parts(page: Path) -> tuple[str, str, str]:
    """The sections of the page but the glossary: rooms, way, and new things."""
    _, rooms, way, new, _ = page.read_text("utf-8").split("\n## ")
    return rooms, way, new


def spans(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", text, flags=re.S))


def drawn(page: Path) -> list[set[str]]:
    """The rooms of each level, from top to bottom, and those beside them."""
    (drawing,) = re.findall(r"```text\n(.*?)```", parts(page)[0], re.S)
    levels = re.split(r"^ ─.*\n|\n\n", drawing, flags=re.M)
    return [
        {name for line in level.splitlines() for name in line[:NAMES].split()}
        for level in levels
    ]


def way(page: Path) -> list[str]:
    return [name for name in spans(parts(page)[1]) if "." in name]


def found(name: str) -> object:
    """What ``tasks.create`` or ``documents.Task.insert`` stands for, in `jimeng`."""
    here: object = importlib.import_module("jimeng")
    for part in name.split("."):
        inside = f"{getattr(here, '__name__', '')}.{part}"
        if inspect.ismodule(here) and not hasattr(here, part):
            importlib.import_module(inside)
        here = getattr(here, part)
    return here


def qualified(thing: object) -> str:
    """The name of a function as `watched` writes it."""
    inner = inspect.unwrap(getattr(thing, "func", thing))  # of a job, of a view
    return f"{inner.__module__.removeprefix('jimeng.')}:{inner.__qualname__}"


@pytest.fixture
def registry(config) -> Iterator[Registry]:
    """The real client of a simulator that draws at once."""
    with Simulator(
        access_key=KEYS["VOLCENGINE_ACCESS_KEY"],
        secret_key=KEYS["VOLCENGINE_SECRET_KEY"],
        duration=0,
        plain=True,
    ) as simulator:
        here = f"127.0.0.1:{simulator.port}"
        changes = {"VOLCENGINE_ENDPOINT": f"http://{here}", **KEYS}
        yield Registry.from_config(replace(config, **changes))


@pytest.fixture
def walked(client, work_off, config, registry) -> tuple[set[str], set[str], set[str]]:
    """What runs up to the 202, up to the picture and back, and for the pages."""
    jobs.configure(replace(config, ALLOWED_PRIVATE_HOSTS=("127.0.0.1",)), registry)
    body = {"prompt": "一只猫", "user_id": "user_123"}
    with watched() as before:
        made = client.post(CREATE, json=body)
    with watched() as after:
        work_off()
        result = client.get(made.json["data"]["links"]["result"]).json["data"]
        picture = client.get(result["image_url"])
    with watched() as pages:
        client.post("/tasks", data={"prompt": "一只猫", "n": "1"})
        client.get("/")
    assert (made.status_code, picture.content_type) == (202, "image/jpeg")
    picture.close()
    return before, before | after, pages


@for_each("page", PAGES)
def test_rooms_are_those_of_the_layers_and_of_the_folder(page):
    """`ls jimeng` is the drawing; `app` and `wsgi` stand beside the package."""
    assert drawn(page) == [*LEVELS, set(LEAVES)]
    inside = (ROOT / "jimeng").iterdir()
    folder = {path.stem for path in inside if path.is_file() or any(path.glob("*.py"))}
    outside = {path.stem for path in ROOT.glob("*.py")}
    assert set().union(*drawn(page)) == {
        name for name in folder | outside if re.match(r"[a-z]\w*$", name)
    }


def test_prompt_goes_the_way_that_is_described(walked):
    """Every function named there runs; and it is not more files than it says."""
    before, back, pages = walked
    named = {name: found(name) for name in way(PAGES[0])}
    functions = {
        name: each for name, each in named.items() if not inspect.isclass(each)
    }
    (to_202, to_picture) = map(int, re.findall(r"\b(\d+) 个", parts(PAGES[0])[1]))

    missed = [n for n, each in functions.items() if qualified(each) not in back | pages]

    assert (len(functions) > 20, missed) == (True, [])
    assert len(files(before)) <= to_202, sorted(files(before))
    assert len(files(back)) <= to_picture, sorted(files(back))


def test_both_languages_say_the_same():
    chinese, english = (page.read_text("utf-8") for page in PAGES)
    numbers = [
        re.findall(r"\b(?:34|56|202|\d{2,})\b", text) for text in (chinese, english)
    ]

    assert sorted(spans(chinese)) == sorted(spans(english))
    assert sorted(numbers[0]) == sorted(numbers[1])


@for_each("page", PAGES)
def test_every_file_is_there(page):
    """All that stand there as paths; and a route touches few."""
    paths = [each for each in spans(page.read_text("utf-8")) if "/" in each]

    lost = [each for each in paths if not (ROOT / each).exists()]

    assert (len(paths) > 20, lost) == (True, [])
    (row,) = [line for line in parts(page)[2].splitlines() if line.startswith("| REST")]
    assert 0 < len(spans(row)) <= MAX_FILES


@pytest.mark.parametrize(("readme", "page"), READMES.items())
def test_readmes_lead_there(readme, page):
    """In their own language."""
    assert f"]({page})" in (ROOT / readme).read_text("utf-8")


@for_each("path", ROOMS)
def test_room_says_what_it_is(path):
    """In the sentence that its `__init__` begins with."""
    said = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""

    assert re.match(r"[^.]{10,}\.", " ".join(said.split()))
