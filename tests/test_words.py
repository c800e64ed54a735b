"""Everything that is said to users is said in Chinese and in English."""

import ast
import importlib
import pkgutil
import re
import string
from collections.abc import Iterator

import pytest

import jimeng
from jimeng.errors import HTTP_CODES, OTHER_STATUSES, JimengError, statuses
from jimeng.i18n import MESSAGES, SINGULARS
from jimeng.providers.registry import CODES
from tests.test_layers import FILES, ROOT, nodes_of

TEMPLATES = sorted(ROOT.glob("templates/**/*.*"))
KEY = re.compile(r"(error|invalid|answer)\.(?!(html|code)$)[a-z0-9_.]+")
# Raised and caught below the doors: a picture that could not be fetched has a code of
# its own.
UNSAID = {"fetch_failed", "link_gone"}
# Always more: limits, or said of several only.
NEVER_ONE = {
    *("account.password_text", "invitation.hint", "wants.short", "wants.long"),
    *("batch.confirm", "batch.confirm_first", "batch.offer", "batch.offer_create"),
    *("gallery.hits_more", "gallery.items_more", "gallery.videos_more"),
    *("collections.add_n", "tags.title_n", "usage.span", "usage.none"),
    *("factor.codes_text", "invalid.template_many", "costs.customers_more"),
}
CHINESE = re.compile(r"[\u3001-\u303f\u4e00-\u9fff\uff00-\uffef]")


def subclasses(kind: type) -> Iterator[type]:
    for each in kind.__subclasses__():
        yield each
        yield from subclasses(each)


def nodes(kind: type) -> Iterator:
    """Those of a kind in the source, each with the file that it is in."""
    every = ((path, node) for path in FILES for node in nodes_of(path))
    return (each for each in every if isinstance(each[1], kind))


def literal(node: ast.AST | None) -> str | None:
    is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return node.value if is_text else None


def codes_of_classes() -> set[str]:
    for module in pkgutil.walk_packages(jimeng.__path__, "jimeng."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    return {each.code for each in subclasses(JimengError)} - UNSAID


def name_of(call: ast.Call) -> str:
    """The last part of what is called."""
    return getattr(call.func, "id", getattr(call.func, "attr", ""))


def codes_in_source() -> set[str]:
    """``code="…"`` in calls, and answers that come without a message."""
    found = set()
    for _, call in nodes(ast.Call):
        arguments = {word.arg: word.value for word in call.keywords}
        found.add(literal(arguments.get("code")))
        if name_of(call) in {"failure", "answer_error"} and "message" not in arguments:
            found.add(literal(call.args[0]) if call.args else None)
    return {code for code in found if code}


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize(
    "codes_of",
    [
        codes_of_classes,
        lambda: CODES,
        codes_in_source,
        HTTP_CODES.values,
    ],
    ids=["classes", "provider", "literals", "http"],
)
def test_every_code_has_words(codes_of):
    codes = codes_of()

    assert codes
    assert {f"error.{code}" for code in codes} - set(MESSAGES) == set()


def test_every_code_has_one_home():
    """A class or a row, never both: its status is said once."""
    codes_of_classes()  # imports all modules
    own = [JimengError, *subclasses(JimengError)]
    classes = [kind.code for kind in own if "code" in vars(kind)]
    rows = [*HTTP_CODES.values(), *OTHER_STATUSES]

    assert sorted([*classes, *rows]) == sorted(statuses())


def test_words_are_chinese_and_english():
    """Each language is itself."""
    wrong = {
        key: (chinese, english)
        for key, (chinese, english) in MESSAGES.items()
        if CHINESE.search(english)
        or not (CHINESE.search(chinese) or chinese == english)
    }
    assert wrong == {}


def test_one_is_not_many():
    """A noun in the plural behind a number has a singular, if the number may be 1."""
    plural = re.compile(r"\{n\} (?!fps|is|was|has|as|or)[\w ]*?(\w+s|are|were|have)\b")
    many = {key for key, (_, english) in MESSAGES.items() if plural.search(english)}

    assert many - set(SINGULARS) == NEVER_ONE


def test_every_key_exists():
    """A text in the source that looks like a key is one."""
    keys = {literal(node) or "" for _, node in nodes(ast.Constant)}

    assert {key for key in keys if KEY.fullmatch(key)} - set(MESSAGES) == set()


def test_every_key_of_a_template_exists():
    named = re.compile(r"""\bt\(\s*["']([^"']+)["']\s*[,)]""")
    keys = {
        path.name: set(named.findall(path.read_text("utf-8"))) - set(MESSAGES)
        for path in TEMPLATES
    }
    assert keys
    assert {name: missing for name, missing in keys.items() if missing} == {}


def test_words_are_given_their_values():
    """Where a key is named, the values that its words need stand beside it."""
    lacking = {}
    for path, call in nodes(ast.Call):
        if name_of(call) not in {"t", "field"}:
            continue
        given = {word.arg for word in call.keywords}
        for key in filter(None, map(literal, call.args)):
            needed = placeholders(MESSAGES[key][0]) if key in MESSAGES else set()
            if None not in given and needed - given:  # None: there is a **
                lacking[key] = (path.name, needed - given)
    assert lacking == {}


def test_every_word_is_said():
    """A text that no page, answer or field says any more is gone."""
    page = "".join(path.read_text("utf-8") for path in TEMPLATES)
    named = {
        literal(node) for path, node in nodes(ast.Constant) if "i18n" not in str(path)
    }
    named |= set(re.findall(r"""["']([a-z_0-9.]+)["']""", page))
    built = [pattern_of(node) for _, node in nodes(ast.JoinedStr)]
    built += [
        f"{re.escape(before)}.+{re.escape(behind)}"
        for before, behind in re.findall(
            r"""["']([a-z_]+\.[a-z_.]*)["'] ~ [^'"}]+(?:~ ["']([a-z_.]+)["'])?""", page
        )
    ]
    said = re.compile("|".join(built))

    left = {key for key in MESSAGES if key not in named and not said.fullmatch(key)}

    assert left == set()


def pattern_of(text: ast.JoinedStr) -> str:
    """What an f-string that begins as a key does may come to; nothing for others."""
    parts = [literal(part) for part in text.values]
    if not re.match(r"[a-z_]+\.", parts[0] or ""):
        return "(?!)"
    return "".join(".+" if part is None else re.escape(part) for part in parts)
