"""Estimate what a request would create and cost, without creating it."""

from dataclasses import dataclass

from jimeng.documents.principal import Principal
from jimeng.providers import Model
from jimeng.tasks.creation import NewTask, validate


@dataclass(frozen=True)
class Estimate:
    """
    Attributes:
        model: Which would generate the pictures.
        n: How many pictures.
        size: Their width and height in pixels; None if they depend on the inputs.
    """

    model: Model
    n: int
    size: tuple[int, int] | None

    @property
    def fen(self) -> int | None:
        """The price of one picture in fen, hundredths of a yuan; None if unknown."""
        price = self.model.dearest
        if price is None or (self.size is None and len(price.steps) > 1):
            return None
        return price.of(*self.size) if self.size else price.steps[-1].fen

    @property
    def fen_of_all(self) -> int | None:
        return None if self.fen is None else self.fen * self.n


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
    if not named:
        return Estimate(model, new.n, model.resolve_size(new.size, new.quality))
    return Estimate(model, new.n, None)
