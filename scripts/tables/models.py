"""The tables of ``docs/models.md``, generated from the built-in models."""

from collections.abc import Iterable, Iterator

from jimeng.billing.costs import yuan
from jimeng.i18n import LANGUAGES
from jimeng.providers import PROVIDERS, Model
from jimeng.providers.models.model import (
    MILLION_TOKENS,
    PICTURE,
    SECOND,
    Step,
    Takes,
)
from jimeng.providers.models.video import VideoModel
from jimeng.providers.models.video_validation import spans
from scripts.tables import head, in_language, table_row

OVERVIEW = (
    "名称 / Name",
    "别名 / Aliases",
    "尺寸 / Sizes",
    "种子 / Seed",
    "秒 / Seconds",
    "元 / Yuan",
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
VIDEO_COLUMNS = (
    "名称 / Name",
    "别名 / Aliases",
    "输入图片 / Input images",
    "清晰度 / Resolutions",
    "时长 / Duration",
    "其他 / Other",
    "秒 / Seconds",
    "元 / Yuan",
)
UNITS = {
    PICTURE: "",
    SECOND: "每秒 / per second",
    MILLION_TOKENS: "每百万 token / per million tokens",
}
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
        pictures = [model for model in each.models if model.makes == "image"]
        videos = [model for model in each.models if model.makes == "video"]
        parts += [f"## {label} (`{each.name}`)\n", overview(pictures, language)]
        parts.append(
            head(INPUT_COLUMNS, language) + "".join(input_rows(each.models, language))
        )
        title = in_language("视频 / videos", language)
        parts += [f"## {label}: {title}\n", video_table(videos, language)]
    return "\n".join(parts)


def overview(models: Iterable[Model], language: str) -> str:
    return head(OVERVIEW, language) + "".join(row(each, language) for each in models)


def row(model: Model, language: str) -> str:
    aliases = " ".join(f"`{name}`" for name in sorted(model.names - {model.id}))
    seed = in_language("是 / yes" if model.takes_seed else "否 / no", language)
    sizes_taken = limits(model, language)
    seconds, cost = f"{model.typical:g}", price(model, language)
    return table_row((f"`{model.id}`", aliases, sizes_taken, seed, seconds, cost))


def price(model: Model, language: str) -> str:
    """The built-in price: that of most outputs, and those of others in brackets."""
    found = model.price
    if found is None:
        return "–"
    *others, usual = found.steps
    unit = in_language(UNITS[found.unit], language)
    less = [f"{condition(each, language)} {yuan(each.micros)}" for each in others]
    named = f"({', '.join(less)})" if less else ""
    return " ".join(filter(None, (yuan(usual.micros), unit, named)))


def condition(step: Step, language: str) -> str:
    if step.up_to:
        millions = f"{step.up_to / 1_000_000:g}"
        return in_language(f"≤ {millions} 百万像素 / ≤ {millions} MP", language)
    return step.resolution or in_language("无声 / silent", language)


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
        yield table_row(
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


def video_table(videos: Iterable[Model], language: str) -> str:
    return head(VIDEO_COLUMNS, language) + "".join(
        video_row(model, model.video, language) for model in videos if model.video
    )


def video_row(model: Model, video: VideoModel, language: str) -> str:
    aliases = " ".join(f"`{name}`" for name in sorted(model.names - {model.id}))
    starts = {
        "首帧 / first frame": video.first_frame,
        "尾帧 / last frame": video.first_and_last,
    }
    inputs = [
        in_language(each, language) for each, is_taken in starts.items() if is_taken
    ]
    if video.max_references:
        word = in_language("参考图 / references", language)
        inputs.append(f"{word} ≤ {video.max_references}")
    options = {
        "`seed`": model.takes_seed,
        "`audio`": video.audio,
        "`camera`": video.cameras,
        "`camera_fixed`": video.camera_fixed,
        "`return_last_frame`": video.last_frame_output,
    }
    return table_row(
        (
            f"`{model.id}`",
            aliases,
            ", ".join(inputs),
            " ".join(video.resolutions),
            spans(video.durations),
            " ".join(name for name, is_there in options.items() if is_there),
            f"{model.typical:g}",
            price(model, language),
        )
    )
