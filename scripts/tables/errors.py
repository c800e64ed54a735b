"""The table of ``docs/errors.md``: why pictures fail, and what to do."""

from collections.abc import Iterable, Iterator

from jimeng.i18n import LANGUAGES, MESSAGES
from jimeng.providers import PROVIDERS
from jimeng.providers.registry import retryable
from jimeng.providers.rules import WITHOUT_CODE, Judgement
from scripts.tables import head, in_language, table_row

HEAD = (
    "代码 / Code",
    "说明 / Meaning",
    "服务商的代码 / Provider codes",
    "可重试 / Retryable",
    "计费 / Charged",
    "自动处理 / Automatic action",
)
CHARGED = {"no": "否 / no", "unknown": "不明 / unknown", "yes": "是 / yes"}
SUBMITTED = {
    "again": "等待后重新提交 / waits, then resubmits",
    "new_seed": "换一个种子再提交一次 / resubmits once with a new seed",
    "unknown": "绝不重新提交 / never resubmits",
}
POLLED = "继续轮询 / keeps polling"
LATE_POLL_ACTION = "1 小时和 11 小时后各再轮询一次 / polls again after 1 h and 11 h"
# Actions for codes that do not come from a response.
OTHERWISE = {
    "timed_out": LATE_POLL_ACTION,
    "account_removed": LATE_POLL_ACTION,
    "moderation_unavailable": "只限方舟，最多两次 / only Ark's, at most twice",
    "picture_lost": "多次下载失败之后 / after many download attempts",
    "provider_unreachable": POLLED,
    "input_unreachable": "90 秒内下载三次 / downloads it three times in 90 s",
}
NamedJudgement = tuple[str, Judgement]  # with the name of the provider


def judgements() -> Iterator[NamedJudgement]:
    """Every known error response, with its judgement."""
    for each in PROVIDERS:
        yield from ((each.name, judged) for judged in each.judgements())
    yield from (("", Judgement("", "", rule)) for rule in WITHOUT_CODE)


def table(language: str) -> str:
    """A Markdown table with a row for each error code."""
    found: dict[str, list[NamedJudgement]] = {}
    for each in judgements():
        found.setdefault(each[1].rule.code, []).append(each)
    rows = (row(code, found[code], language) for code in sorted(found))
    return head(HEAD, language) + "".join(map(table_row, rows))


def row(code: str, found: list[NamedJudgement], language: str) -> tuple[str, ...]:
    judged = [each for _, each in found]
    # A poll that is repeated does not end the task, so it tells nothing about charges.
    ends = [each for each in judged if not polls_on(each)] or judged
    charges = {each.rule.charged for each in ends}
    paid = (CHARGED[each] for each in CHARGED if each in charges)
    by_itself = [*map(done, judged), OTHERWISE.get(code, "")]
    return (
        f"`{code}`",
        MESSAGES[f"error.{code}"][LANGUAGES.index(language)],
        answers(found, language),
        in_language("是 / yes" if retryable(code) else "否 / no", language),
        joined((in_language(each, language) for each in paid), ", "),
        joined((in_language(each, language) for each in by_itself), "; ") or "–",
    )


def answers(found: list[NamedJudgement], language: str) -> str:
    """The provider's codes, by provider, since a code may have several meanings."""
    parts = []
    for each in PROVIDERS:
        texts = (judged.said for name, judged in found if name == each.name)
        said = joined(in_language(text, language) for text in texts)
        # Codes of the first provider need no prefix.
        label = "" if each is PROVIDERS[0] else each.label[LANGUAGES.index(language)]
        parts.append(said and (f"{label}: {said}" if label else said))
    return joined(parts, "; ") or "–"


def polls_on(judged: Judgement) -> bool:
    return judged.call == "poll" and judged.rule.poll == "again"


def done(judged: Judgement) -> str:
    return POLLED if polls_on(judged) else SUBMITTED.get(judged.rule.submit, "")


def joined(texts: Iterable[str], between: str = " ") -> str:
    """Join texts without duplicates, in order."""
    return between.join(dict.fromkeys(text for text in texts if text))
