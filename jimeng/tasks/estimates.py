"""Estimating: what a request would create and cost, with nothing created."""

from dataclasses import dataclass

from jimeng.documents.principal import Principal
from jimeng.providers import Model
from jimeng.tasks.requests import NewTask, judged


@dataclass(frozen=True)
class Estimate:
    """
    Attributes:
        model: Which would draw.
        n: How many pictures.
        size: Their sides in pixels; None where they follow from what goes in.
    """

    model: Model
    n: int
    size: tuple[int, int] | None

    @property
    def fen(self) -> int | None:
        """Hundredths of a yuan for one picture, None where nobody knows."""
        price = self.model.dearest
        if price is None or (self.size is None and len(price.steps) > 1):
            return None
        return price.of(*self.size) if self.size else price.steps[-1].fen

    @property
    def fen_of_all(self) -> int | None:
        return None if self.fen is None else self.fen * self.n


def estimate(principal: Principal, new: NewTask) -> Estimate:
    """
    Judge a request as `create` does. Nothing is written, kept, or taken of any limit,
    and the limits are not asked.

    Raises:
        UserIdNotYours: as `create`, and so is ModelNotAllowed.
        Invalid: as `create`, as far as pictures need not be fetched or decoded for it.
    """
    principal.require_owner(new.user_id, "estimate")
    model, _, named = judged(principal, new)
    if not named:
        return Estimate(model, new.n, model.resolve_size(new.size, new.quality))
    return Estimate(model, new.n, None)
