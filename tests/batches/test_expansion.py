"""A text becomes prompts: lines, groups, escapes, and how many at most."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jimeng.batches import expansion
from jimeng.batches.expansion import (
    MAX_PROMPTS,
    combinations,
    count_of,
    escape,
    expand,
    parse,
)
from jimeng.errors import Invalid
from tests.deterministic import DETERMINISTIC
from tests.each import for_each

PLAIN = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=30)
WORDS = st.text("abc 猫狗", min_size=1, max_size=6).map(lambda text: f"x{text}x")


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
        ("a | b", ["a | b"]),
        ("\ufeffcat", ["cat"]),
        ("cat\ndog\ncat\n{cat|bird}", ["cat", "dog", "bird"]),
        ("", []),
    ],
)
def test_text_becomes_these_prompts(text, prompts):
    """Lines, groups, nested ones, empty words, escapes, wide characters, repeats."""
    assert list(expand(text).prompts) == prompts


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


@DETERMINISTIC
@given(PLAIN)
def test_escaped_text_stands_for_itself(text):
    """Whatever its characters are, but for needless spaces."""
    (made,) = combinations(parse(escape(text)))

    assert made == " ".join(p for p in [*combinations((text,))])


@DETERMINISTIC
@given(st.lists(st.lists(WORDS, min_size=2, max_size=4), min_size=1, max_size=4))
def test_groups_multiply(groups):
    """Each line becomes the product of its groups, in order, as counted before."""
    line = "-".join("{" + "|".join(map(escape, words)) + "}" for words in groups)

    made = list(combinations(parse(line)))

    wanted = ["-".join(each) for each in product(*groups)]
    assert made == [next(combinations((each,))) for each in wanted]
    assert count_of(parse(line)) == len(made)


@DETERMINISTIC
@given(st.text("{}|\\ ab｛｜｝\n\r", max_size=60))
def test_any_text_is_expanded_or_refused(text):
    """Never anything else; and what comes out is short of nothing it was promised."""
    try:
        found = expand(text)
    except Invalid as error:
        assert set(error.fields) == {"template"}
        return
    assert len(found.prompts) == len(found.lines) <= MAX_PROMPTS
    assert len(set(found.prompts)) == len(found.prompts)
    assert all(prompt == prompt.strip() != "" for prompt in found.prompts)


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
