"""Estimate what a request would create and cost, without creating it."""

from dataclasses import dataclass
from functools import cached_property

from jimeng.documents.principal import Principal
from jimeng.jobs import costs
from jimeng.providers import Model
from jimeng.providers.models.model import PriceBySize, Usage
from jimeng.tasks.creation import NewTask, resolve_parameters, validate


@dataclass(frozen=True)
class Estimate:
    """
    Attributes:
        model: Which would generate the pictures.
        n: How many pictures.
        size: Their width and height in pixels; None if they depend on the inputs.
        usage: What a video is billed by; None for pictures.
    """

    model: Model
    n: int
    size: tuple[int, int] | None
    usage: Usage | None = None

    @cached_property
    def price(self) -> PriceBySize | None:
        """The price of one picture by its size; None if unknown."""
        return costs.price_by_size(self.model)

    @property
    def micros(self) -> int | None:
        """The price of one picture in micro-yuan; None if unknown."""
        price = self.price
        if price is not None and self.usage is not None:
            return price.cost(self.usage)
        if price is None or (self.size is None and len(price.steps) > 1):
            return None
        return price.of(*self.size) if self.size else price.highest

    @property
    def micros_of_all(self) -> int | None:
        return None if self.micros is None else self.micros * self.n


def estimate(principal: Principal, new: NewTask) -> Estimate:
    """
    Validate a request as `create` does. Nothing is stored, and limits are neither
    reserved nor checked.

    Raises:
        UserIdNotYours: as `create`, and so is ModelNotAllowed.
        Invalid: as `create`, except for checks that fetch or decode pictures.
    """
    principal.require_owner(new.user_id, "estimate")
    model, _, named = validate(principal, new)
    return estimate_with(model, new, pictures=len(named))


def estimate_with(model: Model, new: NewTask, *, pictures: int) -> Estimate:
    """
    The estimate of a request that is valid but for its size.

    Args:
        pictures: How many inputs it has.

    Raises:
        Invalid: the model does not offer the size.
    """
    if model.video is not None:
        video = resolve_parameters(new, model, [None] * pictures)
        size = model.video.size_of(video)
        return Estimate(model, new.n, size, costs.usage_of(video, size))
    if not pictures:
        return Estimate(model, new.n, model.resolve_size(new.size, new.quality))
    return Estimate(model, new.n, None)
