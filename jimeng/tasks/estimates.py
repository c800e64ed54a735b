"""
Estimate what a request would create and cost, and whether it would be accepted, without
creating it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from jimeng import lanes, limits
from jimeng.billing import costs
from jimeng.documents import Task, utcnow
from jimeng.documents.kinds import VIDEO
from jimeng.documents.principal import Principal
from jimeng.errors import (
    BudgetExceeded,
    JimengError,
    QuotaExceeded,
    TooManySubmissions,
)
from jimeng.providers import Model
from jimeng.providers.models.model import PriceBySize, Usage
from jimeng.tasks.creation import Plan, Request, plan


@dataclass(frozen=True)
class Decision:
    """
    Whether a request would be accepted now.

    Attributes:
        error: Why not, as the request would be answered; of a batch that would be
            accepted, what it would wait for before all of it is created. None if
            nothing stands in the way.
    """

    is_allowed: bool
    error: JimengError | None = None

    @property
    def reopens_at(self) -> datetime | None:
        """When the limit that is reached counts anew; None if time does not help."""
        error = self.error
        if isinstance(error, BudgetExceeded):
            at = error.budget.get("reopens_at")
            return datetime.fromisoformat(str(at)) if at else None
        is_limit = isinstance(error, (QuotaExceeded, TooManySubmissions))
        if error is None or not is_limit or error.retry_after is None:
            return None
        return utcnow() + timedelta(seconds=error.retry_after)


@dataclass(frozen=True)
class PriceEstimate:
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


@dataclass(frozen=True, kw_only=True)
class Estimate(PriceEstimate):
    """
    Attributes:
        principal: Who asks.
        user_id: The owner.
        in_batch: A batch would create these pictures gradually, and wait for limits.
    """

    principal: Principal
    user_id: str
    in_batch: bool = False

    @cached_property
    def task(self) -> Task:
        """What the request would create, as far as limits are concerned."""
        model, now = self.model, utcnow()
        return Task(
            user_id=self.user_id,
            owner_id=limits.owner_of(self.principal, self.user_id),
            model=model.id,
            lane=model.lane,
            type=VIDEO if model.video else "image",
            n=self.n,
            created_at=now,
            **costs.reserved_fields(model, self.size, now, self.usage),
        )

    def refusal(self, before: Sequence[Task] = ()) -> JimengError | None:
        """
        The error that the request would be answered with, if all those *before* were
        accepted; None if it would be accepted.
        """
        try:
            lanes.check_intake()
            limits.check(
                self.principal, self.task, before=before, in_batch=self.in_batch
            )
        except JimengError as error:
            return error
        return None

    @cached_property
    def decision(self) -> Decision:
        """Whether it would be accepted; looked up when this is first read."""
        error = self.refusal()
        return Decision(error is None or self.in_batch, error)


def estimate(principal: Principal, request: Request) -> Estimate:
    """
    Validate a request as `create` does. Nothing is stored, and no limit is used up.

    Raises:
        UserIdNotYours: as `create`, and so is ModelNotAllowed.
        Invalid: as `create`, except for checks that fetch or decode pictures.
    """
    principal.require_owner(request.user_id, "estimate")
    return estimate_of(principal, plan(principal, request))


def estimate_of(principal: Principal, planned: Plan) -> Estimate:
    """
    Raises:
        Invalid: the model does not offer the size.
    """
    request, size = planned.request, planned.output_size()
    return Estimate(
        *(planned.model, request.n, size, planned.usage(size)),
        principal=principal,
        user_id=request.user_id,
    )
