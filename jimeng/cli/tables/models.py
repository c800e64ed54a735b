"""The tables of ``docs/models.md``, generated from the built-in models."""

from collections.abc import Iterable, Iterator

from jimeng.cli.tables import head, in_language, line
from jimeng.i18n import LANGUAGES
from jimeng.providers import PROVIDERS, Model
from jimeng.providers.models import Size
from jimeng.providers.models.model import Takes

OVERVIEW = (
    "名称 / Name",
    "别名 / Aliases",
    "尺寸 / Sizes",
    "种子 / Seed",
    "秒 / Seconds",
)
INPUT_COLUMNS = (
    "名称 / Name",
    "任务类型 / Task",
    "输入图片 / Input images",
    "边长 / Sides",
    "比例 / Ratio",
    "每张上限 / Max. size",
    "其他 / Other",
    "提示词 / Prompt",
)
PROMPTS = {
    "required": "必填 / required",
    "optional": "可选 / optional",
    "none": "不用 / none",
}


def tables(language: str) -> str:
    """Markdown, a section for each provider."""
    parts: list[str] = []
    for each in PROVIDERS:
        label = each.label[LANGUAGES.index(language)]
        parts += [f"## {label} (`{each.name}`)\n", overview(each.models, language)]
        parts.append(
            head(INPUT_COLUMNS, language) + "".join(input_rows(each.models, language))
        )
        parts += [sizes(model, language) for model in each.models]
    return "\n".join(parts)


def overview(models: Iterable[Model], language: str) -> str:
    return head(OVERVIEW, language) + "".join(row(each, language) for each in models)


def row(model: Model, language: str) -> str:
    aliases = " ".join(f"`{name}`" for name in sorted(model.names - {model.id}))
    seed = in_language("是 / yes" if model.takes_seed else "否 / no", language)
    sizes_taken = limits(model, language)
    return line((f"`{model.id}`", aliases, sizes_taken, seed, f"{model.typical:g}"))


def input_rows(models: Iterable[Model], language: str) -> Iterator[str]:
    """A row for each model that accepts inputs."""
    for model in models:
        takes = model.takes
        if takes is None:
            continue
        count = (
            f"{takes.least}–{takes.most}" if takes.least < takes.most else takes.most
        )
        ratio = f"≤ {takes.max_ratio:g}:1" if takes.max_ratio else "–"
        yield line(
            (
                f"`{model.id}`",
                model.task,
                str(count),
                f"{takes.sides[0]}–{takes.sides[1]}",
                ratio,
                f"{takes.max_bytes / 1_000_000:g} MB",
                other_fields(takes, language) or "–",
                in_language(PROMPTS[takes.prompt], language),
            )
        )


def other_fields(takes: Takes, language: str) -> str:
    """The other fields that accompany the inputs."""
    found = ["`mask`"] if takes.mask else []
    if takes.strength:
        found.append("`strength`")
    if takes.expand:
        found.append(f"`expand` ≤ {takes.expand:g}")
    if takes.travels == "link":
        found.append(in_language("需要公网地址 / needs a public address", language))
    return ", ".join(found)


def limits(model: Model, language: str) -> str:
    if model.follows:
        return in_language("由输入图片决定 / from the input image", language)
    if model.sides:
        word = in_language("边长 / sides", language)
        return f"{word} {model.sides[0]}–{model.sides[1]}"
    low, high = model.area or (0, 0)
    area, ratio = (
        in_language("面积 / area", language),
        in_language("比例 / ratio", language),
    )
    return f"{area} {low}–{high}, {ratio} ≤ {model.max_ratio:g}:1"


def sizes(model: Model, language: str) -> str:
    if model.follows:
        return f"### {model.id}\n\n{output_size(model, language)}"
    table = head(("比例 / Ratio", "`standard`", "`hd`"), language)
    for ratio, size in model.sizes.items():
        table += line((ratio, text(size), text(model.hd_sizes[ratio])))
    named = [f"`{word}` = {text(size)}" for word, size in model.keywords.items()]
    if named:
        word = in_language("名称： / Named: ", language)
        table += f"\n{word}{', '.join(named)}\n"
    return f"### {model.id}\n\n{table}"


def output_size(model: Model, language: str) -> str:
    """The output size, where it follows from the input."""
    words = " ".join(f"`{word}` = {max(s)}" for word, s in model.keywords.items())
    said = {
        "inpainting": "与输入图片一样大。 / As large as the input image.",
        "outpainting": "输入图片加上扩展的边。 / The input image with its new edges.",
        "upscaling": f"长边：{words} / The longer side: {words}",
    }
    return in_language(said[model.task], language) + "\n"


def text(size: Size) -> str:
    return f"{size[0]}x{size[1]}"
