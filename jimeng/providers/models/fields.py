"""Fields of a row of ``MODELS_FILE``, with their validation."""

from functools import partial

from marshmallow import Schema, ValidationError, fields
from marshmallow.validate import Length, OneOf, Range, Regexp

from jimeng.providers.models.model import (
    FEN,
    MAX_OUTPUTS,
    PROMPTS,
    RATIOS,
    TASKS,
    TRAVELS,
    UNITS,
    PriceBySize,
    Size,
    Step,
    Takes,
    parse_size,
)
from jimeng.providers.models.video import MODES, VIDEO_RATIOS, VideoModel

# Request fields that the code sends by itself or never sends. A row that could set
# these could order, and be charged for, a group of pictures.
RESERVED = frozenset(
    {
        *("model", "req_key", "prompt", "width", "height", "size", "seed", "image"),
        *("image_urls", "binary_data_base64", "use_pre_llm", "force_single"),
        *("sequential_image_generation", "sequential_image_generation_options"),
        *("stream", "n", "watermark", "logo_info", "aigc_meta", "return_url"),
        *("response_format", "callback_url", "resolution"),
        *("top", "bottom", "left", "right"),
    }
)

# The same for video models.
RESERVED_OF_VIDEOS = RESERVED | {
    *("content", "ratio", "duration", "frames", "generate_audio", "camera_fixed"),
    *("return_last_frame", "execution_expires_after", "safety_identifier", "tools"),
    *("aspect_ratio", "template_id", "camera_strength"),
}


class Flag(fields.Boolean):
    def _deserialize(self, value, attr, data, **kwargs):
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class Number(fields.Float):
    """A number in JSON; integers stay integers."""

    def _deserialize(self, value, attr, data, **kwargs):
        if isinstance(value, str):
            raise self.make_error("invalid", input=value)
        super()._deserialize(value, attr, data, **kwargs)
        return value


class Pixels(fields.String):
    def _deserialize(self, value, attr, data, **kwargs):
        size = parse_size(super()._deserialize(value, attr, data, **kwargs))
        if size is None:
            raise ValidationError('Must be text such as "2048x2048".')
        return size


def whole(low: int, high: int, **more) -> fields.Integer:
    return fields.Integer(strict=True, validate=Range(low, high), **more)


def number(low: float, high: float, **more) -> Number:
    return Number(validate=Range(low, high), **more)


def one_of(*values: str) -> fields.String:
    return fields.String(validate=OneOf(values))


def ascend(pair: tuple[float, float]) -> None:
    if pair[0] > pair[1]:
        raise ValidationError("Must be [least, most].")


def widen(pair: tuple[float, float]) -> None:
    if pair[0] >= pair[1]:
        raise ValidationError("Must be [least, most].")


def have_default(sizes: dict[str, Size]) -> None:
    """Require 1:1 unless the table is empty, which `file.checked` accepts or not."""
    if sizes and "1:1" not in sizes:
        raise ValidationError("Must have 1:1, the default.")


def name_size(name: str) -> None:
    if parse_size(name) or ":" in name:
        raise ValidationError("Is no name for a size.")


def spare_reserved(extra: dict[str, object]) -> None:
    if reserved := RESERVED & set(extra):
        raise ValidationError(
            f"Must not have {min(reserved)}, which is sent anyway or never."
        )


def end_open(steps: list[tuple[int | None, int]]) -> None:
    """Require ascending steps, the last of them without an upper limit."""
    tops = [top or 0 for top, _ in steps]
    if not tops or tops.pop() or 0 in tops or tops != sorted(tops):
        raise ValidationError("Steps must ascend, and only the last be null.")


name = partial(
    fields.String,
    validate=[Length(1, 100), Regexp(r"\S*\Z", error="Must have no spaces.")],
)
by_ratio = partial(
    fields.Dict, keys=one_of(*RATIOS), values=Pixels(), validate=have_default
)
span = partial(
    fields.Tuple, (whole(1, 10**9), whole(1, 10**9)), validate=ascend
)  # pixels
# Fen, or steps of pixels and fen: ``[[2610000, 30], [null, 60]]``.
fen = partial(
    fields.List,
    fields.Tuple((whole(1, 10**9, allow_none=True), whole(0, 1_000_000))),
    pre_load=lambda value: [[None, value]] if type(value) is int else value,
    validate=end_open,
    post_load=lambda steps: PriceBySize(
        tuple(Step(up_to, micros=each * FEN) for up_to, each in steps)
    ),
    error_messages={"invalid": "Must be fen, or such as [[2610000, 30], [null, 60]]."},
)


class TakesRow(Schema):
    least = whole(0, 20)
    most = whole(1, 20)
    mask = Flag()
    sides = span()
    max_pixels = whole(1, 10**9, allow_none=True)
    max_ratio = number(1, 100, allow_none=True)
    max_bytes = whole(10_000, 12 * 1024 * 1024)
    exact = Flag()
    strength = fields.Tuple(
        (number(0, 1000), number(0, 1000)), validate=widen, allow_none=True
    )
    expand = number(0.01, 10, allow_none=True)
    travels = one_of(*TRAVELS)
    prompt = one_of(*PROMPTS)


def increase(numbers: list[int]) -> None:
    if numbers != sorted(set(numbers)):
        raise ValidationError("Must increase.")


class VideoRow(Schema):
    durations = fields.List(
        whole(1, 60), required=True, validate=[Length(1), increase], post_load=tuple
    )
    default_duration = whole(1, 60)
    resolutions = fields.Dict(
        keys=fields.String(validate=Length(1, 20)),
        values=fields.Dict(keys=one_of(*VIDEO_RATIOS), values=Pixels()),
        required=True,
        validate=Length(1),
    )
    default_resolution = fields.String(required=True)
    text = Flag()
    first_frame = Flag()
    first_and_last = Flag()
    max_references = whole(0, 20)
    adaptive = Flag()
    adaptive_text = Flag()
    follows_frame = Flag()
    alike_frames = Flag()
    audio = Flag()
    cameras = fields.List(name(), post_load=tuple)
    camera_strengths = fields.List(name(), post_load=tuple)
    camera_fixed = Flag()
    last_frame_output = Flag()
    obeys_flags = Flag()
    req_keys = fields.Dict(keys=one_of(*MODES), values=name())
    sends_frames = Flag()


class Row(Schema):
    """Omitted fields keep their value or the default; null removes a limit."""

    id = name(required=True)
    provider = name(required=True)
    offered = Flag(load_default=True)
    req_key = name()
    aliases = fields.List(name(), post_load=tuple)
    sizes = by_ratio()
    hd_sizes = by_ratio()
    keywords = fields.Dict(
        keys=fields.String(validate=[Length(1, 20), name_size], post_load=str.upper),
        values=Pixels(),
    )
    sides = span(allow_none=True)
    area = span(allow_none=True)
    max_ratio = number(1, 100, allow_none=True)
    max_prompt = whole(1, 10_000)
    max_images = whole(1, MAX_OUTPUTS)
    takes_seed = Flag()
    task = one_of(*TASKS)
    takes = fields.Nested(TakesRow, allow_none=True, post_load=lambda it: Takes(**it))
    video = fields.Nested(
        VideoRow, allow_none=True, post_load=lambda it: VideoModel(**it)
    )
    rewrites_prompt = Flag()
    draws_groups = Flag()
    extra = fields.Dict(validate=spare_reserved)
    price = fen(attribute="own_price", allow_none=True)
    account_prices = fields.Dict(values=fen())
    unit = one_of(*UNITS)
    typical = number(0.1, 3600)
    slow = number(0.1, 3600)
    is_synchronous = Flag()
    answer_within = number(1, 600)
