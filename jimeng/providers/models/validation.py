"""Validate a request against its model: prompt, inputs, mask, strength, edges."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from jimeng.errors import Invalid
from jimeng.providers.inputs import Expansion
from jimeng.providers.models.model import Model, Takes

Wrong = tuple[str, dict]  # message key, and its values
NOTHING = Takes(least=0, most=0)


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """
    The parameters of a request, apart from its size.

    Attributes:
        prompt: As entered, without the text of a style; empty if there is none.
        pictures: Number of inputs.
        mask: Whether there is a mask.
        strength: 0 to 1; None if not set.
        expand: None if not set.
    """

    prompt: str = ""
    pictures: int = 0
    mask: bool = False
    strength: float | None = None
    expand: Expansion | None = None


def check_parameters(asked: Parameters, model: Model, offered: Iterable[Model]) -> None:
    """
    Compare the parameters with what *model* supports.

    Args:
        offered: All available models: errors name those that support the request.

    Raises:
        Invalid: with each field that the model does not support.
    """
    found = wrong(asked, model, list(offered))
    if found:
        raise Invalid(found)


def wrong(
    asked: Parameters, model: Model, others: list[Model]
) -> dict[str, list[Wrong]]:
    """Return the fields that the model does not support, with the reasons."""
    takes = model.takes or NOTHING
    reasons = {
        "prompt": wrong_prompt(asked, takes),
        "images": wrong_pictures(asked, model, takes, others),
        "mask": wrong_mask(asked, takes, others),
        "strength": wrong_strength(asked, takes, others),
        "expand": wrong_edges(asked, takes, others),
    }
    return {field: [why] for field, why in reasons.items() if why}


def best_suited(asked: Parameters, offered: Iterable[Model]) -> Model | None:
    """
    Return the first model that supports all parameters; otherwise the one with the
    fewest errors, which best tells the user what to change.
    """
    models = list(offered)
    return min(models, key=lambda each: len(wrong(asked, each, models)), default=None)


def wrong_prompt(asked: Parameters, takes: Takes) -> Wrong | None:
    if asked.prompt and takes.prompt == "none":
        return "invalid.prompt_unsupported", {}
    if not asked.prompt and takes.prompt == "required":
        return "invalid.prompt_empty", {}
    return None


def wrong_pictures(
    asked: Parameters, model: Model, takes: Takes, others: list[Model]
) -> Wrong | None:
    if asked.pictures and model.lacks:
        return unsupported(f"images_{model.lacks}", others, lambda each: each.most)
    if asked.pictures and not takes.most:
        return unsupported("images_unsupported", others, lambda each: each.most)
    if asked.pictures > takes.most:
        return "invalid.images_many", {"max": takes.most}
    if asked.pictures < takes.least:
        return "invalid.images_few", {"min": takes.least}
    return None


def wrong_mask(asked: Parameters, takes: Takes, others: list[Model]) -> Wrong | None:
    if asked.mask and not takes.mask:
        return unsupported("mask_unsupported", others, lambda each: each.mask)
    if takes.mask and not asked.mask:
        return "invalid.mask_missing", {}
    return None


def wrong_strength(
    asked: Parameters, takes: Takes, others: list[Model]
) -> Wrong | None:
    if asked.strength is None or (takes.strength and asked.pictures):
        return None
    if takes.strength:
        return "invalid.strength_alone", {}
    return unsupported("strength_unsupported", others, lambda each: each.strength)


def wrong_edges(asked: Parameters, takes: Takes, others: list[Model]) -> Wrong | None:
    if takes.expand is None:
        if asked.expand is None:
            return None
        return unsupported("expand_unsupported", others, lambda each: each.expand)
    shares = asked.expand.shares if asked.expand else (0.0,)
    if min(shares) >= 0 and 0 < max(shares) <= takes.expand:
        return None
    return "invalid.expand_range", {"max": f"{takes.expand:g}"}


def unsupported(why: str, others: list[Model], has: Callable[[Takes], object]) -> Wrong:
    """Build the error for an unsupported input, with the models that support it."""
    found = {m.id for m in others if m.takes_here and has(m.takes_here)}
    if not found:
        return "invalid.taken_by_none", {}
    return f"invalid.{why}", {"known": ", ".join(sorted(found))}


def check_picture(model: Model, width: int, height: int, *, field: str) -> None:
    """
    Check that an input can be made to fit *model*: it may be shrunk, but neither
    cropped nor enlarged.

    Args:
        field: Its field in the request, such as ``images[0]``.

    Raises:
        Invalid: it cannot be made to fit.
    """
    takes = model.takes
    if takes is None:
        return
    short, long = sorted((width, height))
    if takes.max_ratio and long > takes.max_ratio * short:
        ratio = f"{takes.max_ratio:g}"
        raise Invalid.field(field, "invalid.image_ratio", ratio=ratio)
    least, most = takes.sides
    shrunk = short if takes.exact else short * min(1, most / long)
    if shrunk < least:
        raise Invalid.field(field, "invalid.image_small", min=least)
    if takes.exact and long > most:
        raise Invalid.field(field, "invalid.image_large", max=most)


def check_mask(picture: tuple[int, int], mask: tuple[int, int]) -> None:
    """
    Raises:
        Invalid: the size of the mask differs from the original size of its picture.
    """
    if picture != mask:
        wanted = f"{picture[0]}x{picture[1]}"
        raise Invalid.field("mask", "invalid.mask_size", wanted=wanted)
