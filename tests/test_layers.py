"""Imports point down, and what stands where is written here."""

import ast
import functools
import graphlib
import importlib
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import mongoengine

ROOT = Path(__file__).parent.parent
# From top to bottom. Each may import its own level and those below.
LEVELS = [
    {"wsgi", "serve"},
    {"app"},
    {"api", "openai", "mcp", "web", "cli", "monitoring"},
    {"http", "schemas"},
    {"operations"},
    {"batches", "gallery", "tasks", "accounts"},
    {"inputs"},
    {"limits"},
    {"upkeep"},
    {"jobs"},
    {"webhooks", "lanes"},
    {"billing"},
    {"process"},
    {"pictures"},
    {"documents", "providers"},
    {"config", "i18n"},
    {"errors"},
]
LEVEL_OF = {part: level for level, parts in enumerate(LEVELS) for part in parts}
# Beside the levels, for a laptop: what it imports, and who may import it.
LEAVES = {"local": {"config", "errors"}}
USERS_OF_LEAVES = {"cli", "app", *LEAVES}
WITHOUT_FLASK = {
    *("operations", "batches", "gallery", "tasks", "accounts", "inputs", "limits"),
    *("upkeep", "jobs", "webhooks", "lanes", "billing", "process", "pictures"),
    *("documents", "providers", "config", "errors"),
    *LEAVES,
}
WEB_LIBRARIES = {"flask", "flask_smorest", "werkzeug", "webargs"}
DATABASE_LIBRARIES = {"mongoengine", "pymongo", "gridfs", "bson", "redis", "huey"}

FILES = [ROOT / "app.py", ROOT / "wsgi.py", *sorted(ROOT.glob("jimeng/**/*.py"))]
FILES.remove(ROOT / "jimeng/__init__.py")


def part_of(path: Path) -> str:
    """``jimeng/tasks/queries.py`` and ``jimeng/tasks.py`` are both of *tasks*."""
    inside = path.relative_to(ROOT).with_suffix("").parts
    return inside[1] if inside[0] == "jimeng" else inside[0]


@functools.cache
def nodes_of(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(ast.parse(path.read_text("utf-8"))))


@functools.cache
def imported(path: Path) -> tuple[str, ...]:
    """The full names of the modules that a file imports, lazily ones too."""
    found: list[str] = []
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            whole = node.module == "jimeng"
            for alias in node.names:
                found.append(f"jimeng.{alias.name}" if whole else str(node.module))
    return tuple(found)


def parts_imported(path: Path) -> set[str]:
    """The parts of this project, other than its own, that a file imports."""
    names = [name.split(".") for name in imported(path)]
    inside = {name[1] for name in names if name[0] == "jimeng" and len(name) > 1}
    return (inside | {name[0] for name in names} & {"app", "wsgi"}) - {part_of(path)}


def libraries(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imported(path)}


def web_libraries(path: Path) -> set[str]:
    """Those that a file imports; the hash of passwords is no matter of the web."""
    names = set(imported(path)) - {"werkzeug.security"}
    return {name.split(".")[0] for name in names} & WEB_LIBRARIES


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_every_part_has_its_place():
    """A new part is put into the order before anything imports it."""
    assert {part_of(path) for path in FILES} == {*LEVEL_OF, *LEAVES}


def test_imports_point_down():
    """Nothing knows what stands above it."""
    upward = {name_of(path): above(path) for path in FILES}

    assert {name: found for name, found in upward.items() if found} == {}


def above(path: Path) -> set[str]:
    """The parts that a file imports and should not."""
    part, others = part_of(path), parts_imported(path)
    if part in LEAVES:
        return others - LEAVES[part]
    leaves = set() if part in USERS_OF_LEAVES else others & set(LEAVES)
    others -= set(LEAVES)
    return leaves | {each for each in others if LEVEL_OF[each] < LEVEL_OF[part]}


def test_simulator_stands_alone():
    """It can be used by itself, and what is packed for production works without it."""
    programs = sorted(ROOT.glob("simulator/**/*.py"))
    needed = {name for path in programs for name in libraries(path)}

    assert needed - set(sys.stdlib_module_names) == {"simulator", "PIL", "av"}
    assert {path for path in FILES if "simulator" in libraries(path)} == set()


def test_no_parts_and_no_files_import_each_other():
    """Within a level too there is an order; what a file needs stands at its top."""
    parts: dict[str, set[str]] = {}
    files: dict[str, set[str]] = {}
    for path in FILES:
        parts.setdefault(part_of(path), set()).update(parts_imported(path))
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        files[name] = modules_imported(path) - {name}

    for graph in (parts, files):
        graphlib.TopologicalSorter(graph).prepare()


def modules_imported(path: Path) -> set[str]:
    """The files of this project that a file names in its imports."""
    found: set[str] = set()
    for node in nodes_of(path):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found |= {name for name in (node.module, *names) if is_file(name)}
    return found


def is_file(module: str) -> bool:
    return (ROOT / module.replace(".", "/")).with_suffix(".py").is_file()


def test_rooms_offer_what_others_take():
    """A name that stands in an ``__init__`` for others is wanted by one of them."""
    takers = [*FILES, *sorted(ROOT.glob("tests/**/*.py"))]
    taken = {path: names_taken(path) for path in takers}
    idle = {
        name
        for room in FILES
        if room.name == "__init__.py"
        for name in names_offered(room)
        if not any(name in taken[path] for path in takers if path != room)
    }

    assert idle == set()


def names_offered(path: Path) -> set[str]:
    """``room.name`` of all that an ``__init__`` imports, but not its own files."""
    room = path.parent.name
    found = {
        alias.name
        for node in nodes_of(path)
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("jimeng.")
        for alias in node.names
        if not is_module(f"{node.module}.{alias.name}")
    }
    used = {node.id for node in nodes_of(path) if isinstance(node, ast.Name)}
    return {f"{room}.{name}" for name in found - used}


def names_taken(path: Path) -> set[str]:
    """``room.name`` of all that a file imports, or reads as an attribute."""
    found, rooms = set(), {}
    for node in nodes_of(path):
        if isinstance(node, ast.ImportFrom):
            room = str(node.module).rpartition(".")[2]
            found |= {f"{room}.{alias.name}" for alias in node.names}
            rooms |= {alias.asname: alias.name for alias in node.names}
    for node in nodes_of(path):
        if isinstance(node, ast.Attribute):
            room = getattr(node.value, "id", getattr(node.value, "attr", ""))
            found.add(f"{rooms.get(room) or room}.{node.attr}")
    return found


def is_module(name: str) -> bool:
    return is_file(name) or (ROOT / name.replace(".", "/")).is_dir()


def test_only_the_doors_know_http_frameworks():
    """From tasks and jobs down nothing depends on how a request came in."""
    others = [path for path in FILES if part_of(path) in WITHOUT_FLASK]
    known = {name_of(path): web_libraries(path) for path in others}

    assert {name: found for name, found in known.items() if found} == {}


DEPTHS = ("jimeng.lanes", "jimeng.pictures.stores.gridfs", "jimeng.pictures.stores")
KEY_INTERFACES = [
    path for path in FILES if part_of(path) in {"api", "openai", "mcp", "web", "admin"}
]


def test_doors_talk_to_no_database():
    """They ask `tasks` and `accounts`, which know who may see what."""
    known = {
        name_of(path): libraries(path) & DATABASE_LIBRARIES
        | {name for name in imported(path) if name.startswith(DEPTHS)}
        for path in KEY_INTERFACES
    }
    assert {name: found for name, found in known.items() if found} == {}


def test_doors_use_documents_as_types_only():
    """A document's class in a door stands in annotations and nowhere else."""
    used = {name_of(path): documents_used(path) for path in KEY_INTERFACES}

    assert {name: found for name, found in used.items() if found} == {}


def documents_used(path: Path) -> set[str]:
    """The documents' classes that a file names outside of annotations."""
    nodes = nodes_of(path)
    documents = {
        alias.asname or alias.name
        for node in nodes
        if isinstance(node, ast.ImportFrom)
        and str(node.module).startswith("jimeng.documents")
        for alias in node.names
        if is_document(getattr(importlib.import_module(str(node.module)), alias.name))
    }
    used = [node for node in nodes if isinstance(node, ast.Name)]
    typed = {id(name) for each in annotations(nodes) for name in ast.walk(each)}
    return {node.id for node in used if id(node) not in typed} & documents


def is_document(found: object) -> bool:
    return isinstance(found, type) and issubclass(found, mongoengine.Document)


def annotations(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    for node in nodes:
        for name in ("annotation", "returns"):
            if getattr(node, name, None) is not None:
                yield getattr(node, name)
