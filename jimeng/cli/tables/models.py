"""The tables of ``docs/models.md``, made from the one of the built-in models."""

from collections.abc import Iterable

from jimeng.cli.tables import head, line, spoken
from jimeng.i18n import LANGUAGES
from jimeng.providers import PROVIDERS, Model
from jimeng.providers.models import Size

OVERVIEW = (
    "名称 / Name",
    "别名 / Aliases",
    "尺寸 / Sizes",
    "种子 / Seed",
    "秒 / Seconds",
)


def tables(language: str) -> str:
    """Markdown, a section for each provider."""
    parts: list[str] = []
    for each in PROVIDERS:
        label = each.label[LANGUAGES.index(language)]
        parts += [f"## {label} (`{each.name}`)\n", overview(each.models, language)]
        parts += [sizes(model, language) for model in each.models]
    return "\n".join(parts)


def overview(models: Iterable[Model], language: str) -> str:
    return head(OVERVIEW, language) + "".join(row(each, language) for each in models)


def row(model: Model, language: str) -> str:
    aliases = " ".join(f"`{name}`" for name in sorted(model.names - {model.id}))
    seed = spoken("是 / yes" if model.takes_seed else "否 / no", language)
    sizes_taken = limits(model, language)
    return line((f"`{model.id}`", aliases, sizes_taken, seed, f"{model.typical:g}"))


def limits(model: Model, language: str) -> str:
    if model.sides:
        word = spoken("边长 / sides", language)
        return f"{word} {model.sides[0]}–{model.sides[1]}"
    low, high = model.area or (0, 0)
    area, ratio = spoken("面积 / area", language), spoken("比例 / ratio", language)
    return f"{area} {low}–{high}, {ratio} ≤ {model.max_ratio:g}:1"


def sizes(model: Model, language: str) -> str:
    table = head(("比例 / Ratio", "`standard`", "`hd`"), language)
    for ratio, size in model.sizes.items():
        table += line((ratio, text(size), text(model.hd_sizes[ratio])))
    named = [f"`{word}` = {text(size)}" for word, size in model.keywords.items()]
    if named:
        word = spoken("名称： / Named: ", language)
        table += f"\n{word}{', '.join(named)}\n"
    return f"### {model.id}\n\n{table}"


def text(size: Size) -> str:
    return f"{size[0]}x{size[1]}"
