"""The files of messages: what they may contain, and what their loading refuses."""

from pathlib import Path

import pytest

from jimeng import i18n
from jimeng.i18n import catalog

GOOD = '[a.b]\nzh = "{n} 张"\nen = "{n} pictures"\nen_one = "{n} picture"\n'


def read(folder: Path, **files: str):
    for name, text in files.items():
        path = folder / "pages" / f"{name}.toml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    return catalog.read_messages(folder)


def test_messages_of_all_files_are_read(tmp_path):
    """A message may have others below its key."""
    messages, singulars = read(
        tmp_path, one=GOOD, two='[a]\nzh = "甲"\nen = "A"\n[a.c.d]\nzh = "丁"\nen = "D"'
    )

    assert messages == {
        "a.b": ("{n} 张", "{n} pictures"),
        "a": ("甲", "A"),
        "a.c.d": ("丁", "D"),
    }
    assert singulars == {"a.b": "{n} picture"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD, "a.b"),
        (GOOD.replace("[a.b]", '["a.b"]'), "a.b"),
        ('[x.y]\nzh = "甲"', "x.y has no text in en"),
        ('[x.y]\nen = "A"\nzh = ""', "x.y has no text in zh"),
        ('[x.y]\nen = "A"\nzh = 1', "x.y has no text in zh"),
        ('[x.y]\nen = "A"\nzh = "甲"\nfr = "A"', "x.y has fr"),
        ('[x.y]\nen = "A {n}"\nzh = "甲"', "x.y has unlike placeholders"),
        ('[x.y]\nen = "A {m}"\nzh = "甲 {n}"', "x.y has unlike placeholders"),
        ('[x.y]\nen = "A"\nzh = "甲"\nen_one = "A"', "x.y has unlike placeholders"),
        (GOOD.replace("[a.b]", "[x.y]").replace("{n} picture", "{m} picture"), "x.y"),
        ('[x.y]\nen = "A"\nzh = "甲"\n[x.y]', "line 4"),
        ("[x.y\n", "line 1"),
    ],
)
def test_faults_name_the_file_and_the_key(tmp_path, text, said):
    with pytest.raises(ValueError, match=f"second.toml.*{said}"):
        read(tmp_path, first=GOOD, second=text)


def test_one_is_singular(monkeypatch):
    """In English, where the number is 1; texts without a singular have one form."""
    monkeypatch.setitem(i18n.MESSAGES, "x.y", ("{n} 张", "{n} pictures"))
    monkeypatch.setitem(i18n.SINGULARS, "x.y", "{n} picture")

    said = [
        i18n.message("x.y", language, n=n) for language in ("zh", "en") for n in (1, 2)
    ]

    assert said == ["1 张", "2 张", "1 picture", "2 pictures"]
