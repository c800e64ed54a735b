"""Private names of frameworks, which may change with any of their releases."""

import ast
import importlib
import inspect
import pkgutil
import sys
from collections.abc import Iterator
from enum import Enum

import jimeng
from tests.test_layers import FILES, ROOT, nodes_of

# Those in use, each with what there is no public name for.
REASONS = {
    "_prepare_response_content": "smorest documents it for overriding: the envelope",
    "_deserialize": "marshmallow documents it for fields of one's own",
    "_serialize": "marshmallow documents it for fields of one's own",
    "_get_current_object": "werkzeug documents it: the object behind a proxy",
    "_get_collection": "mongoengine: a query without its document objects",
    "_get_collection_name": "mongoengine: the same",
    "_meta": "mongoengine: the indexes that a document declares",
    "_fields": "mongoengine: the fields that a document declares",
    "_registry": "huey: the jobs by their names, for jobs as JSON",
    "_new_conn": "urllib3: a connection is made to an address that was checked",
    "_exit": "os: an exit that waits for no thread",
    "_replace": "namedtuple's",
}


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def names_of_ours() -> set[str]:
    """The private names that our files define."""
    found = set()
    for path in FILES:
        for node in nodes_of(path):
            match node:
                case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                    found.add(name)
                case ast.Attribute(attr=name, ctx=ast.Store()):
                    found.add(name)
                case ast.Name(id=name, ctx=ast.Store()):
                    found.add(name)
    return found


def names_read() -> set[str]:
    return {
        node.attr
        for path in [*FILES, ROOT / "gunicorn.conf.py"]
        for node in nodes_of(path)
        if isinstance(node, ast.Attribute) and is_private(node.attr)
    }


def classes() -> Iterator[type]:
    for module in pkgutil.walk_packages(jimeng.__path__, "jimeng."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for name, module in [*sys.modules.items()]:
        if name == "app" or name.split(".")[0] == "jimeng":
            found = vars(module).values()
            mine = (x for x in found if inspect.isclass(x) and x.__module__ == name)
            yield from (x for x in mine if not issubclass(x, Enum))


def names_overridden() -> set[str]:
    """The private methods of others' classes that ours replace."""
    return {
        name
        for cls in classes()
        for name, value in vars(cls).items()
        if is_private(name) and inspect.isfunction(value)
        for base in cls.__mro__[1:]
        if name in vars(base) and base.__module__.split(".")[0] not in {"jimeng", "app"}
    }


def test_private_names_of_frameworks_have_a_reason():
    assert names_read() - names_of_ours() | names_overridden() == REASONS.keys()
