"""A text becomes prompts: lines, groups, escapes, and how many at most."""

import pytest

from jimeng.batches import expansion
from jimeng.batches.expansion import (
    MAX_PROMPTS,
    escape,
    expand,
)
from jimeng.errors import Invalid
from tests.each import for_each


def reasons(text: str) -> list[tuple[str, dict]]:
    with pytest.raises(Invalid) as caught:
        expand(text)
    return caught.value.fields["template"]


@for_each(
    ("text", "prompts"),
    [
        ("一只猫\n\n  \n一只狗\r\n一只鸟", ["一只猫", "一只狗", "一只鸟"]),
        ("{红|蓝|绿}色的猫", ["红色的猫", "蓝色的猫", "绿色的猫"]),
        ("{a|b} {1|2}", ["a 1", "a 2", "b 1", "b 2"]),
        ("a {|red} house", ["a house", "a red house"]),
        ("{a|{b|c} d}", ["a", "b d", "c d"]),
        ("｛红｜蓝｝猫", ["红猫", "蓝猫"]),
        (r"\{a\|b\} \\ C:\x", [r"{a|b} \ C:\x"]),
        (r"{a\|b|c}", ["a|b", "c"]),
        (r"\｛a\｜b\｝", ["｛a｜b｝"]),
        ("a | b", ["a | b"]),
        ("\ufeffcat", ["cat"]),
        ("cat\ndog\ncat\n{cat|bird}", ["cat", "dog", "bird"]),
        ("", []),
    ],
)
def test_text_becomes_these_prompts(text, prompts):
    """And each prompt, escaped, stands for itself."""
    assert list(expand(text).prompts) == prompts
    assert list(expand("\n".join(map(escape, prompts))).prompts) == prompts


def test_repeated_ones_are_counted_and_lines_are_kept():
    """Each prompt knows its line; of many wrong ones the first ten are told."""
    found = expand("cat\n\n{cat|dog}")
    assert (found.lines, found.repeated) == ((1, 3), 1)
    wrong = reasons("{a\n" * 14)
    assert (len(wrong), wrong[-1]) == (11, ("invalid.template_more", {"n": 4}))


@for_each(
    ("line", "reason"),
    [
        ("{a|b", "open"),
        ("a|b}", "closed"),
        ("{a}", "single"),
        ("{}", "single"),
        ("{|a}", "empty"),
        ("{x|" * 9 + "y" + "}" * 9, "deep"),
    ],
)
def test_what_is_no_template_is_named_by_its_line(line, reason):
    """Nothing is guessed: the line and what is wrong with it."""
    assert reasons(f"fine\n{line}") == [(f"invalid.template_{reason}", {"line": 2})]


def test_far_too_many_are_counted_and_not_made():
    """2^39 combinations would take for ever to be made. Repeated ones do not count."""
    ((key, values),) = reasons("{a|b}" * 39)
    assert key == "invalid.template_many"
    assert values == {"n": "549,755,813,888", "max": MAX_PROMPTS}
    ((_, values),) = reasons("{a|b|c|d}" * 4000)
    assert values["n"] == "10¹²+"
    lines = "\n".join(map(str, range(MAX_PROMPTS)))
    assert len(expand(f"{lines}\n1\n2").prompts) == MAX_PROMPTS
    assert reasons(f"{lines}\nmore")[0][1] == {"n": "501", "max": MAX_PROMPTS}
    endless = "x" * (expansion.MAX_TEXT_CHARS + 1)
    assert reasons(endless)[0][0] == "invalid.template_long"


@pytest.mark.parametrize(
    ("text", "total", "labels"),
    [
        ("一只{橘|黑}猫", 2, ([""], ["橘", "黑"])),
        (
            "\n{red| deep  blue} at {dawn|dusk}\n",
            4,
            (["red", "deep blue"], ["dawn", "dusk"]),
        ),
        ("{a|b} {c|} {e|f}", 8, (["a · c", "a", "b · c", "b"], ["e", "f"])),
        ("{a|{b|c}d} {e|f}", 6, (["a", "bd", "cd"], ["e", "f"])),
        ("{a|a} {c|d}", 2, None),
        ("{a|b}\nc", 3, None),
        ("c", 1, None),
        ("\\{a|b\\}", 1, None),
        ("", 3, None),
    ],
)
def test_labels_are_the_words_that_vary(text, total, labels):
    """Of one line, if each of its combinations is a prompt of its own."""
    assert expansion.labels_of(text, total) == labels
