"""The table of ``docs/errors.md``: why a picture did not come, and what to do."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from jimeng.i18n.errors import ERRORS
from jimeng.providers.catalogue import (
    ARK_RULES,
    RULES,
    WITHOUT_CODE,
    Rule,
    judge_ark,
    judge_poll,
    judge_submit,
    retryable,
)

HEAD = (
    "代码 / Code",
    "中文",
    "English",
    "服务的代码 / Provider codes",
    "重试有用 / Retry helps",
    "计费 / Charged",
    "系统自己做什么 / Done by itself",
)
CHARGED = {"no": "否 / no", "unknown": "不明 / unknown", "yes": "是 / yes"}
SUBMITTED = {
    "again": "等一会再提交 / waits, then submits again",
    "new_seed": "换一个种子再提交一次 / submits once more, with a new seed",
    "unknown": "绝不重发 / never submits again",
}
POLLED = "继续查询 / polls on"
# What is done where no answer is the reason.
OTHERWISE = {
    "timed_out": "1 小时和 11 小时后各再查一次 / looks again after 1 h and 11 h",
    "picture_lost": "先多次重新下载 / only after many downloads",
    "provider_unreachable": POLLED,
}
PLAIN = 400  # the HTTP status of most refusals; the code says which
UNLISTED = "unlisted"
OTHERS, OTHER_LIMITS = "其他 / others", "其他 429 / other 429s"


@dataclass(frozen=True)
class Line:
    """
    What one answer comes to.

    Attributes:
        call: ``submit`` or ``poll`` of Visual, or ``ark``; empty where no answer is
            the reason.
        said: The service's code, as the page shows it.
    """

    call: str
    said: str
    rule: Rule


def lines() -> Iterator[Line]:
    """Every answer that is known, the way it is judged."""
    for code in (*RULES, UNLISTED):
        said = f"`{code}`" if code in RULES else OTHERS
        yield Line("submit", said, judge_submit(PLAIN, code))
        yield Line("poll", said, judge_poll(PLAIN, code))
    for code in (*ARK_RULES, UNLISTED):
        said = f"`{code}`" if code in ARK_RULES else OTHERS
        is_limit = code in ARK_RULES and ARK_RULES[code].submit == "again"
        yield Line("ark", said, judge_ark(429 if is_limit else PLAIN, code))
    yield Line("submit", OTHER_LIMITS, judge_submit(429, UNLISTED))
    yield Line("poll", OTHER_LIMITS, judge_poll(429, UNLISTED))
    yield Line("ark", OTHER_LIMITS, judge_ark(429, UNLISTED))
    yield Line("submit", "HTTP 5xx", judge_submit(500, None))
    yield Line("submit", "读不懂的答复 / unreadable answers", judge_submit(200, None))
    yield from (Line("", "", rule) for rule in WITHOUT_CODE)


def table() -> str:
    """Markdown, a row for each code of ours."""
    found: dict[str, list[Line]] = {}
    for line in lines():
        found.setdefault(line.rule.code, []).append(line)
    rows = [HEAD, ("---",) * len(HEAD)]
    rows += [row(code, found[code]) for code in sorted(found)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in rows)


def row(code: str, found: list[Line]) -> tuple[str, ...]:
    chinese, english = ERRORS[f"error.{code}"]
    # A poll that is made again ends nothing, so what it says of charges is not said.
    ends = [line for line in found if not polls_on(line)] or found
    charges = {line.rule.charged for line in ends}
    return (
        f"`{code}`",
        chinese,
        english,
        answers(found),
        "是 / yes" if retryable(code) else "否 / no",
        joined((CHARGED[each] for each in CHARGED if each in charges), ", "),
        joined([*map(done, found), OTHERWISE.get(code, "")], "; ") or "–",
    )


def answers(found: list[Line]) -> str:
    """Some names mean one thing at the gateway and another on Ark."""
    visual = joined(line.said for line in found if line.call != "ark")
    ark = joined(line.said for line in found if line.call == "ark")
    return joined([visual, ark and f"方舟 / Ark: {ark}"], "; ") or "–"


def polls_on(line: Line) -> bool:
    return line.call == "poll" and line.rule.poll == "again"


def done(line: Line) -> str:
    return POLLED if polls_on(line) else SUBMITTED.get(line.rule.submit, "")


def joined(texts: Iterable[str], between: str = " ") -> str:
    """Each text once, in the order in which they come."""
    return between.join(dict.fromkeys(text for text in texts if text))
