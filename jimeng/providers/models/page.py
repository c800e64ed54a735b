"""The tables of ``docs/models.md``, made from the one of the built-in models."""

from collections.abc import Iterable

from jimeng.providers.models.model import Model, Size
from jimeng.providers.registry import PROVIDERS


def tables() -> str:
    """Markdown, a section for each provider."""
    parts: list[str] = []
    for each in PROVIDERS:
        name = f"{each.label[0]} / {each.label[1]} (`{each.name}`)"
        parts += [f"## {name}\n", overview(each.models), *map(sizes, each.models)]
    return "\n".join(parts)


def overview(models: Iterable[Model]) -> str:
    rows = [
        "| 名称 / Name | 别名 / Aliases | 尺寸 / Sizes | 种子 / Seed | 秒 / Seconds |",
        "| --- | --- | --- | --- | --- |",
    ]
    for model in models:
        aliases = " ".join(f"`{name}`" for name in sorted(model.names - {model.id}))
        seed = "是 / yes" if model.takes_seed else "否 / no"
        cells = (f"`{model.id}`", aliases, limits(model), seed, f"{model.typical:g}")
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def limits(model: Model) -> str:
    if model.sides:
        return f"边长 / sides {model.sides[0]}–{model.sides[1]}"
    low, high = model.area or (0, 0)
    return f"面积 / area {low}–{high}, 比例 / ratio ≤ {model.max_ratio:g}:1"


def sizes(model: Model) -> str:
    rows = [
        f"### {model.id}\n",
        "| 比例 / Ratio | `standard` | `hd` |",
        "| --- | --- | --- |",
    ]
    for ratio, size in model.sizes.items():
        rows.append(f"| {ratio} | {text(size)} | {text(model.hd_sizes[ratio])} |")
    named = [f"`{word}` = {text(size)}" for word, size in model.keywords.items()]
    if named:
        rows.append(f"\n名称 / Named: {', '.join(named)}")
    return "\n".join(rows) + "\n"


def text(size: Size) -> str:
    return f"{size[0]}x{size[1]}"
