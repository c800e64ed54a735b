"""Files that are broken, and words in them that nobody here has written."""

import random
import zlib

from jimeng.pictures.metadata import Provenance, read_back
from tests.each import for_each
from tests.pictures.labelled import chunk, drawn, every_kind, labelled, marked


@every_kind
def test_broken_files_are_passed_on_or_read_as_nothing(kind):
    """Cut anywhere, or with any byte changed: no error, and nothing is lost."""
    content, content_type = labelled(kind)
    chance = random.Random(2)

    for _ in range(300):
        broken = bytearray(content[: chance.randint(0, len(content))])
        for _ in range(chance.randint(0, 4) if broken else 0):
            broken[chance.randrange(min(len(broken), 600))] = chance.randrange(256)
        whole = marked(bytes(broken), content_type)
        assert len(whole) >= len(broken)
        read_back(whole)
        read_back(bytes(broken))


@for_each(
    "text",
    [
        "{}",
        "{",
        "[" * 5000,
        '["prompt"]',
        '{"prompt": ""}',
        '{"prompt": 1}',
        '{"prompt": "\\ud800"}',
        '{"prompt": "%s"}' % ("x" * 10_001),
    ],
)
def test_words_of_strangers_that_are_none(text):
    assert Provenance.from_json(text) is None


def test_words_of_strangers_are_bounded():
    """What is not of its kind is left out."""
    found = Provenance.from_json(
        '{"prompt": "<script>", "style": 1, "model": "%s", "size": "9999999x1",'
        ' "seed": -1}' % ("m" * 101)
    )

    assert found == Provenance("<script>")
    assert Provenance.from_json('{"prompt": "a", "seed": true}').seed is None


def test_bomb_in_a_text_is_not_unpacked():
    """What a packed packet becomes is bounded."""
    text = b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(b" " * 50_000_000)
    content, content_type = drawn("png")
    content = content[:33] + chunk(b"iTXt", text) + content[33:]

    assert read_back(content) is None
    assert b"jimeng:Made" not in marked(content, content_type)
