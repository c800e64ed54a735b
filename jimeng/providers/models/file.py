"""
``MODELS_FILE``: an operator's additions, changes and removals of models.

A JSON list of rows. A row identifies a model by ``id`` and ``provider``. If it is
built in, the other fields override the built-in ones; if not, it is a new model.
Sizes are written ``"2048x1536"``.
``{"id": …, "provider": …, "offered": false}`` removes a model.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import Any

from marshmallow import ValidationError

from jimeng.config.accounts import MAIN
from jimeng.errors import ConfigError
from jimeng.providers.models.fields import RESERVED_OF_VIDEOS, Row
from jimeng.providers.models.model import (
    FOLLOWS,
    PICTURE,
    RATIOS,
    VIDEO_TASKS,
    Model,
)
from jimeng.providers.models.video import VIDEO_RATIOS, VideoModel
from jimeng.providers.provider import Provider

# Keys of marshmallow's messages that are not field names: the half of a dictionary
# entry that is wrong, or the whole object.
NO_NAMES = frozenset({"key", "value", "_schema"})


class Wrong(ValueError):
    """A field of a row is invalid; the text says what is required."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f'"{field}": {reason}')


def load_models(
    path: str,
    providers: Sequence[type[Provider]],
    accounts: Collection[str] = (MAIN,),
) -> tuple[Model, ...]:
    """
    Load the built-in models with the changes of the file at *path*, ``""`` for none.

    Args:
        accounts: Names of the accounts that may have their own prices.

    Raises:
        ConfigError: naming the file, the row (from 1) and the field.
    """
    by_name = {each.name: each for each in providers}
    built_in = (model for each in providers for model in each.models)
    models = {(each.id, each.provider): each for each in built_in}
    for index, row in enumerate(read_rows(path) if path else (), start=1):
        try:
            apply(read(row), models, by_name)
            check_names(models.values())
            check_accounts(row, accounts)
        except ValueError as error:
            raise ConfigError(f"MODELS_FILE {path}: row {index}: {error}") from None
    order = list(by_name)
    return tuple(sorted(models.values(), key=lambda m: order.index(m.provider)))


def read_rows(path: str) -> list:
    try:
        found = json.loads(Path(path).read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"MODELS_FILE {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"MODELS_FILE {path}: not JSON: {error}") from error
    if not isinstance(found, list):
        raise ConfigError(f"MODELS_FILE {path}: must be a list of models")
    return found


def read(row: object) -> dict[str, Any]:
    """
    Raises:
        Wrong: the first invalid field.
    """
    if not isinstance(row, dict):
        raise ValueError("must be an object")
    try:
        return Row().load(row)
    except ValidationError as error:
        node, path = error.messages, []
        while isinstance(node, dict):
            part, node = next(iter(node.items()))
            path += [str(part)] if part not in NO_NAMES else []
        raise Wrong(".".join(path), node[0]) from None


def apply(
    values: dict[str, Any],
    models: dict[tuple[str, str], Model],
    providers: Mapping[str, type[Provider]],
) -> None:
    """Add, change or remove one model."""
    offered = values.pop("offered")
    owner = providers.get(values["provider"])
    if owner is None:
        raise Wrong("provider", f"must be one of {', '.join(providers)}")
    key = (values["id"], owner.name)
    if offered:
        model = checked(changed(models.get(key), values, owner))
        must_be_synchronous = owner.only_synchronous and model.video is None
        if must_be_synchronous and not model.is_synchronous:
            reason = f"must be true: {owner.label[1]} knows nothing else"
            raise Wrong("is_synchronous", reason)
        models[key] = model
    elif set(values) != {"id", "provider"}:
        raise Wrong(
            "offered", "is false, so only id and provider may be set in addition"
        )
    elif models.pop(key, None) is None:
        raise Wrong("id", "is no model that could be taken away")


def changed(model: Model | None, values: dict, owner: type[Provider]) -> Model:
    """Return *model* with *values* replaced, or a new model of *owner*."""
    unit = values.get("unit", model.unit if model else PICTURE)
    if price := values.get("own_price"):
        values["own_price"] = replace(price, unit=unit)
    its = values.get("account_prices", {})
    its.update({name: replace(price, unit=unit) for name, price in its.items()})
    if model is not None:
        return replace(model, **values)
    usual: dict[str, object] = {}
    video = values.get("video")
    if video:
        values.setdefault("task", "text-to-video" if video.text else "image-to-video")
    if values.get("task") in FOLLOWS or video:
        values.setdefault("sizes", {})
    if "sizes" in values:
        values.setdefault("hd_sizes", values["sizes"])
    if not video:
        usual = {"is_synchronous": owner.only_synchronous, **owner.model_defaults}
    values = {**usual, **values}
    for each in fields(Model):
        optional = each.default is not MISSING or each.default_factory is not MISSING
        if not optional and each.name not in values:
            raise Wrong(each.name, "is missing")
    return Model(**values)


def checked(model: Model) -> Model:
    """
    Raises:
        Wrong: the fields contradict each other.
    """
    check_takes(model)
    if model.video:
        check_video(model, model.video)
        return model
    if model.task in VIDEO_TASKS:
        raise Wrong("video", f"is missing for {model.task}")
    if model.follows:
        if model.sides or model.area or model.sizes:
            raise Wrong("task", "has a size that follows from the picture: no sizes")
        return model
    if not model.sizes:
        raise Wrong("sizes", "must have 1:1, the default")
    if bool(model.sides) == bool(model.area):
        raise Wrong("sides", 'either this or "area" must limit the size')
    if bool(model.area) != bool(model.max_ratio):
        raise Wrong("max_ratio", 'goes with "area"')
    if set(model.sizes) != set(model.hd_sizes):
        raise Wrong("hd_sizes", 'must have the ratios of "sizes"')
    for field in ("sizes", "hd_sizes", "keywords"):
        for name, (width, height) in getattr(model, field).items():
            if not model.fits(width, height):
                raise Wrong(field, f"has {name!r} outside the model's own limits")
            if name in RATIOS and not is_near(name, width, height):
                raise Wrong(field, f"has {name!r}, which is another ratio")
    return model


def check_takes(model: Model) -> None:
    """
    Raises:
        Wrong: the model's task does not match the inputs it takes.
    """
    takes = model.takes
    if takes and takes.least > takes.most:
        raise Wrong("takes", 'has "least" above "most"')
    needs = not model.task.startswith("text-to-")
    if needs != model.needs_images:
        reason = "must require at least one picture" if needs else "must require none"
        raise Wrong("takes", f"{reason} for {model.task}")
    if (model.task == "inpainting") != bool(takes and takes.mask):
        raise Wrong("takes", '"mask" goes with the task inpainting')
    if (model.task == "outpainting") != bool(takes and takes.expand):
        raise Wrong("takes", '"expand" goes with the task outpainting')
    if model.task == "upscaling" and not model.keywords:
        raise Wrong("keywords", "must say what can be enlarged to, such as 4K")


def check_video(model: Model, video: VideoModel) -> None:
    """
    Raises:
        Wrong: the fields of a video model contradict each other.
    """
    if model.task != ("text-to-video" if video.text else "image-to-video"):
        raise Wrong("task", 'must be text-to-video, without "text" image-to-video')
    if model.sizes or model.sides or model.area or model.is_synchronous:
        raise Wrong("video", "has its own sizes, no others, and is not synchronous")
    if video.default_duration not in video.durations:
        raise Wrong("video", '"default_duration" must be one of "durations"')
    if video.default_resolution not in video.resolutions:
        raise Wrong("video", '"default_resolution" must be one of "resolutions"')
    for resolution, sizes in video.resolutions.items():
        if set(sizes) != set(VIDEO_RATIOS):
            reason = f"{resolution} must have {' '.join(VIDEO_RATIOS)}"
            raise Wrong("video", reason)
    if bool(video.cameras) != bool(video.camera_strengths):
        raise Wrong("video", '"cameras" goes with "camera_strengths"')
    if reserved := RESERVED_OF_VIDEOS & set(model.extra):
        raise Wrong("extra", f"must not have {min(reserved)}, which is sent anyway")
    most = max(video.first_frame + video.first_and_last, video.max_references)
    if most > (model.takes.most if model.takes else 0):
        raise Wrong("takes", f'must have "most" {most} for the pictures of "video"')


def is_near(ratio: str, width: int, height: int) -> bool:
    """Within 1 %: the recommended sizes are rounded to the models' step."""
    across, down = map(int, ratio.split(":"))
    return abs(width * down / (height * across) - 1) <= 0.01


def check_accounts(row: dict, accounts: Collection[str]) -> None:
    """
    Raises:
        Wrong: a price names an unknown account.
    """
    for account in row.get("account_prices", ()):
        if account not in accounts:
            known = ", ".join(accounts)
            raise Wrong("account_prices", f"has {account!r}, which is none of {known}")


def check_names(models: Iterable[Model]) -> None:
    """
    Raises:
        Wrong: two models of a provider share a name.
    """
    seen: dict[tuple[str, str], Model] = {}
    for model in models:
        for name in model.names:
            other = seen.setdefault((model.provider, name), model)
            if other is not model:
                raise Wrong("id", f"{model.id}: {other.id} is called {name} too")
