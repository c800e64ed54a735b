"""Whether what is asked of a model goes with it: words, pictures, mask, edges."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from jimeng.errors import Invalid
from jimeng.providers.inputs import Expansion
from jimeng.providers.models.model import Model, Takes

Wrong = tuple[str, dict]  # key of words, and its values
NOTHING = Takes(least=0, most=0)


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """
    What is asked of a model beside its size.

    Attributes:
        prompt: As written, without a style; empty where there are no words.
        pictures: How many go in.
        mask: Whether a mask does.
        strength: 0 to 1, None where none was given.
        expand: None where none was given.
    """

    prompt: str = ""
    pictures: int = 0
    mask: bool = False
    strength: float | None = None
    expand: Expansion | None = None


def check_parameters(asked: Parameters, model: Model, offered: Iterable[Model]) -> None:
    """
    Compare what is asked with what *model* takes.

    Args:
        offered: The models that there are: refusals name those that would take it.

    Raises:
        Invalid: naming each field that does not go with the model.
    """
    found = wrong(asked, model, list(offered))
    if found:
        raise Invalid(found)


def wrong(
    asked: Parameters, model: Model, others: list[Model]
) -> dict[str, list[Wrong]]:
    """Each field that does not go with the model, and why."""
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
    The first of the models that takes what is asked; where none takes all of it, the
    one that refuses the least, for it says best what is to be changed.
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
    """The words for what a model does not take, with the names of those that do."""
    found = {m.id for m in others if m.takes_here and has(m.takes_here)}
    if not found:
        return "invalid.taken_by_none", {}
    return f"invalid.{why}", {"known": ", ".join(sorted(found))}


def check_picture(model: Model, width: int, height: int, *, field: str) -> None:
    """
    Say whether a picture can be made to fit *model*: it is made smaller where it
    must be, but neither cropped nor enlarged.

    Args:
        field: Where it stands in the request, such as ``images[0]``.

    Raises:
        Invalid: it cannot.
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
        Invalid: the mask has not the sides that its picture was given with.
    """
    if picture != mask:
        wanted = f"{picture[0]}x{picture[1]}"
        raise Invalid.field("mask", "invalid.mask_size", wanted=wanted)
