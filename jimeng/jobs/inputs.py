"""Inputs of a generation: converted, resized for its model, loaded or linked."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields

from jimeng import pictures
from jimeng.documents import Generation, Input, Task
from jimeng.documents.input import InputState
from jimeng.errors import Invalid, PictureInvalid, StorageUnavailable
from jimeng.pictures import NormalisedPicture
from jimeng.pictures.input_links import LinkToken
from jimeng.process.runtime import runtime
from jimeng.providers import Expansion, InputPicture, Model, VideoParameters
from jimeng.providers.download import fetch_user_url
from jimeng.providers.inputs import address_for, fetches_from_store
from jimeng.providers.models.model import Size, check_mask, check_picture
from jimeng.providers.models.output_size import size_of_output
from jimeng.providers.models.video import VideoModel
from jimeng.providers.models.video_validation import check_frames

log = logging.getLogger(__name__)

SENT_FIELDS = ("file_id", "width", "height", "content_type")
MAX_SENT_BYTES = 12 * 1024 * 1024  # of all inputs of a submission together
MAX_FETCHED_BYTES = 16 * 1024 * 1024  # of one, uploaded or downloaded
FETCH_TIMEOUT_S = 18.0


class InputLost(Exception):
    """The bytes of an input are missing."""


@dataclass(frozen=True)
class LoadedInputs:
    """
    The inputs of a submission, read into memory.

    Attributes:
        pictures: In order.
        mask: One channel, 255 where the first picture is to be repainted.
    """

    pictures: tuple[InputPicture, ...] = ()
    mask: InputPicture | None = None


def inputs_of(generation: Generation) -> list[Input] | None:
    """The inputs in order, a mask last; None if one is missing."""
    ids = generation.inputs or []
    rows = Input.collection().find({"_id": {"$in": list(set(ids))}})
    found = {row["_id"]: Input.read(row) for row in rows}
    return [found[each] for each in ids] if len(found) == len(set(ids)) else None


def check_inputs(model: Model, inputs: Sequence[Input], *, has_mask: bool) -> None:
    """
    Check the inputs whose sizes are known.

    Raises:
        Invalid: *model* does not accept an input; names the field.
    """
    output_size_from = without_mask(inputs, has_mask)
    for index, each in enumerate(output_size_from):
        if each.size is not None:
            check_picture(model, *each.size, field=f"images.{index}")
    if not has_mask or not output_size_from:
        return
    first, mask = output_size_from[0].uploaded_size, inputs[-1]
    if mask.is_ready and not mask.alpha:
        raise Invalid.field("mask", "invalid.mask_opaque")
    if first is not None and mask.uploaded_size is not None:
        check_mask(first, mask.uploaded_size)


def output_size_of(
    task: Task, inputs: Sequence[Input], model: Model
) -> tuple[int, int] | None:
    """
    Compute the output size, now that the sizes of the inputs are known; None if the
    task has it already.

    Raises:
        Invalid: the model does not accept the inputs.
    """
    check_inputs(model, inputs, has_mask=bool(task.has_mask))
    if task.video and model.video:
        return video_size_of(task, [each.size for each in inputs], model.video)
    if not task.unsized:
        return None
    return size_of_output(
        model,
        task.input.get("size"),
        task.input.get("quality") or "standard",
        pictures=[each.size for each in without_mask(inputs, task.has_mask)],
        expand=Expansion(**task.expand) if task.expand else None,
    )


def video_size_of(
    task: Task, sizes: Sequence[Size | None], model: VideoModel
) -> Size | None:
    """
    The same of a video: what was expected before its frames arrived may be wrong.

    Raises:
        Invalid: its first and last frame must have the same ratio.
    """
    video = VideoParameters.read(task.video)
    check_frames(model, video.roles, sizes)
    size = model.size_of(video, sizes[0] if sizes else None)
    return None if size == (task.width, task.height) else size


def without_mask(inputs: Sequence[Input], has_mask: bool | None) -> Sequence[Input]:
    return inputs[:-1] if has_mask else inputs


def normalise_input(mine: Input) -> Input | None:
    """
    Normalise an input, uploaded or fetched from its URL, and store the result.

    Returns:
        The new record; None if another worker has taken it over.

    Raises:
        FetchFailed: the download failed, and may succeed later; or LinkGone.
        PictureInvalid: not an acceptable picture.
        StorageUnavailable: the store is down; nothing was fetched.
    """
    store = runtime().inputs
    if not store.seems_to_work():
        raise StorageUnavailable("what was fetched would have nowhere to go")
    normalised = pictures.normalise(raw_bytes(mine), user=mine.user_id)
    (file_id,) = store.save_anywhere(mine.id, normalised.content)
    found = mine.finish_preparation(
        {
            "state": InputState.READY.value,
            "file_id": file_id,
            "bytes": len(normalised.content),
            **metadata_of(normalised),
        },
        "raw_id",
    )
    if found is None:
        store.delete(file_id)
    elif mine.raw_id is not None:
        store.delete(mine.raw_id)
    return found


def metadata_of(normalised: NormalisedPicture) -> dict:
    """The fields of an `Input` that describe its bytes."""
    names = {each.name for each in fields(normalised)} - {"content"}
    return {name: getattr(normalised, name) for name in names}


def raw_bytes(mine: Input) -> bytes:
    """
    Return the bytes as uploaded, or download them.

    Raises:
        FetchFailed: as `normalise_input`, and so is PictureInvalid.
    """
    if mine.raw_id is not None:
        return read_file(mine.raw_id)
    if not mine.url:
        raise PictureInvalid("nothing to take it from")
    return fetch_user_url(
        mine.url,
        allowed_private=runtime().config.ALLOWED_USER_HOSTS,
        never=runtime().config.own_hosts,
        cap=MAX_FETCHED_BYTES,
        limit=FETCH_TIMEOUT_S,
    )


def read_file(file_id: object) -> bytes:
    content = runtime().inputs.read(file_id)  # type: ignore[arg-type]
    if content is None:
        raise PictureInvalid("its bytes are gone")
    return content


def is_prepared(at: int, inputs: Sequence[Input], generation: Generation) -> bool:
    """Whether an input of a picture is normalised and resized."""
    key = fitted_key(at, inputs, generation)
    return inputs[at].is_ready and (key is None or key in inputs[at].fitted)


def fitted_key(at: int, inputs: Sequence[Input], generation: Generation) -> str | None:
    """
    The key of the resized file in `Input.fitted`; None if the input fits as it is.

    It consists of the limits, so that an input is resized once for all models with the
    same limits.
    """
    if generation.has_mask and at == len(inputs) - 1:
        first = fitted_file(0, inputs, generation)
        return f"mask-{first['width']}x{first['height']}" if first else "mask"
    each, limits = inputs[at], limits_of(inputs, generation)
    width, height = each.size or (0, 0)
    is_small = max(width, height) <= limits["side"]
    is_small &= width * height <= limits["pixels"] and each.bytes <= limits["most"]
    if is_small:
        return None
    return "-".join(str(int(value)) for value in limits.values())


def limits_of(inputs: Sequence[Input], generation: Generation) -> dict:
    """The arguments of `pictures.fit` for the model of a picture."""
    model = runtime().registry.by_lane(generation.lane)
    takes = model and model.takes
    if not takes:
        raise PictureInvalid("its model takes no pictures")
    count = len(without_mask(inputs, generation.has_mask))
    # Links do not count towards the size of the request body.
    most = (
        takes.max_bytes if takes.travels == "link" else MAX_SENT_BYTES // max(count, 1)
    )
    return {
        "side": takes.sides[1],
        "pixels": takes.max_pixels or takes.sides[1] ** 2,
        "most": min(takes.max_bytes, most),
        "exact": takes.exact,
    }


def fitted_file(
    at: int, inputs: Sequence[Input], generation: Generation
) -> dict | None:
    """``file_id``, size and type of the file to send; None before it is resized."""
    each, key = inputs[at], fitted_key(at, inputs, generation)
    if key is not None:
        return each.fitted.get(key)
    return (
        {name: getattr(each, name) for name in SENT_FIELDS} if each.is_ready else None
    )


def resize_input(
    mine: Input, at: int, inputs: Sequence[Input], generation: Generation
) -> Input | None:
    """
    Resize an input for the model, and store the file in addition to the original.

    Returns:
        The new record; None if another worker has taken it over.

    Raises:
        PictureInvalid: it cannot be resized for the model.
    """
    key, store = fitted_key(at, inputs, generation), runtime().inputs
    content = read_file(mine.file_id)
    if generation.has_mask and at == len(inputs) - 1:
        first = fitted_file(0, inputs, generation) or {}
        sides = {"width": first["width"], "height": first["height"]}
        fitted = pictures.fit_mask(content, **sides, user=mine.user_id)
    else:
        limits = limits_of(inputs, generation)
        fitted = pictures.fit(content, user=mine.user_id, **limits)
    (file_id,) = store.save_anywhere(mine.id, fitted.content)
    sides = {"width": fitted.width, "height": fitted.height}
    stored = {"file_id": file_id, "content_type": fitted.content_type, **sides}
    found = mine.finish_preparation({f"fitted.{key}": stored})
    if found is None:
        store.delete(file_id)
    return found


def load_inputs(generation: Generation) -> LoadedInputs:
    """
    Read the inputs of a picture.

    Raises:
        InputLost: an input is missing, or the provider could not fetch its link.
    """
    if not generation.inputs:
        return LoadedInputs()
    inputs = inputs_of(generation) or []
    found, is_linked = [], is_sent_as_link(generation)
    for at, each in enumerate(inputs):
        about = fitted_file(at, inputs, generation)
        store = runtime().inputs
        read = store.find if is_linked else store.read
        content = about and read(about["file_id"])
        if not about or not content:
            raise InputLost(each.id)
        data = content if isinstance(content, bytes) else b""
        kind, sides = about["content_type"], (about["width"], about["height"])
        link = link_for(generation, each.id, about) if is_linked else None
        if is_linked and link is None:
            raise InputLost(f"{each.id}: no address to fetch it from")
        found.append(InputPicture(data, kind, *sides, link))
    if not found:
        raise InputLost("all of them")
    # `text` encodes the bytes now, before anything is sent: an error here is harmless.
    size = sum(len(picture.text) for picture in found if picture.link is None)
    log.debug("inputs read id=%s characters=%d", generation.id, size)
    mask = found.pop() if generation.has_mask else None
    return LoadedInputs(tuple(found), mask)


LINK_PATH = "/in/"
MIN_LINK_S = 3600.0  # else as long as a task may take


def is_sent_as_link(generation: Generation) -> bool:
    """Whether the model of a picture is sent links instead of bytes."""
    model = runtime().registry.by_lane(generation.lane)
    takes = model and model.takes
    return bool(takes and takes.travels == "link")


def link_for(generation: Generation, input_id: str, about: dict) -> str | None:
    """
    The link under which the provider downloads an input; None if the provider cannot
    reach this server (any more).

    Args:
        about: Its ``file_id`` and ``content_type``, as it is sent.
    """
    config, registry = runtime().config, runtime().registry
    provider = registry.provider(generation.provider).address
    seconds = max(MIN_LINK_S, config.TASK_DEADLINE)
    if fetches_from_store(config, provider):
        kind = about["content_type"]
        link = runtime().inputs.link(
            about["file_id"], seconds=seconds, content_type=kind
        )
        if link is not None:
            return link
    address = address_for(config, provider)
    if address is None or not config.SECRET_KEY:
        return None
    end = int(time.time() + seconds)
    token = LinkToken(input_id, generation.id, end).signed(config.SECRET_KEY)
    return f"{address}{LINK_PATH}{token}"
