"""Validation: expand a batch, and check that the model accepts all of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from jimeng import lanes, limits
from jimeng.batches import expansion
from jimeng.batches.expansion import MAX_REPORTED, Expanded
from jimeng.documents import Batch
from jimeng.documents.principal import Principal
from jimeng.errors import Invalid, JimengError, KeyQuotaExceeded, QuotaExceeded
from jimeng.errors.batches import TooManyBatches
from jimeng.inputs import Named
from jimeng.providers import Model
from jimeng.tasks import Estimate, Request
from jimeng.tasks.creation import Plan, model_for, resolve_inputs
from jimeng.tasks.estimates import Decision, estimate_of

MAX_OPEN = 20  # unfinished batches of one user


@dataclass(frozen=True, kw_only=True)
class NewBatch:
    """
    A request for a batch; `schemas` has checked the types.

    Attributes:
        like: The settings of each task, without its prompt. All tasks have the same
            inputs, and no mask.
        prompts: Literal prompts.
        template: A text that `expansion` expands; its prompts follow the literal ones.
        name: The name; may be empty.
        request: The settings as received, to be stored.
    """

    like: Request
    prompts: Sequence[str] = ()
    template: str = ""
    name: str = ""
    request: dict = field(default_factory=dict)


@dataclass(frozen=True)
class BatchEstimate:
    """
    Attributes:
        like: The settings of each task.
        each: The estimate of one task.
        prompts: All prompts, without duplicates.
        repeated: The number of duplicates.
    """

    like: Request
    each: Estimate
    prompts: tuple[str, ...]
    repeated: int = 0

    @property
    def pictures(self) -> int:
        return len(self.prompts) * self.each.n

    @property
    def micros_of_all(self) -> int | None:
        """The price of the batch in micro-yuan; None if unknown."""
        each = self.each.micros
        return None if each is None else each * self.pictures

    @cached_property
    def decision(self) -> Decision:
        """
        Whether it would be accepted, and if it is, what it would wait for until all of
        it is created.
        """
        principal = self.each.principal
        try:
            check_limits(principal, self.like)
            limits.check_submission(principal, self.like.user_id)
        except JimengError as error:
            return Decision(is_allowed=False, error=error)
        return replace(self.each, n=self.pictures, in_batch=True).decision


def estimate(principal: Principal, new: NewBatch) -> BatchEstimate:
    """
    Validate a request as `create` does. Nothing is stored, and no limit is used up.

    Raises:
        UserIdNotYours: as `create`; so is ModelNotAllowed.
        Invalid: as `create`, except for inputs, which are not fetched or decoded.
    """
    return validate(principal, new)[0]


def validate(
    principal: Principal, new: NewBatch
) -> tuple[BatchEstimate, Sequence[Named]]:
    """The estimate, and the resolved inputs."""
    principal.require_owner(new.like.user_id, "batch")
    model = model_for(principal, new.like)
    found = expand_prompts(new)
    check_all(new, found, model)
    named = resolve_inputs(principal, new.like)
    like = replace(new.like, prompt=found.prompts[0])
    each = estimate_of(principal, Plan.of(like, model))
    return BatchEstimate(like, each, found.prompts, found.repeated), named


def check_limits(principal: Principal, like: Request) -> None:
    """
    Check what refuses a whole batch, except for the limit per minute.

    Args:
        like: The settings of each task.

    Raises:
        IntakePaused: an operator has paused the intake.
        QuotaExceeded: it could never start; so is KeyQuotaExceeded.
        TooManyBatches: the user has `MAX_OPEN` unfinished ones.
    """
    lanes.check_intake()
    quota = limits.quota_of(principal, like.user_id)
    if quota is not None and like.n > quota:
        raise QuotaExceeded(f"user {like.user_id}", limit=quota, left=quota)
    of_key = principal.key and principal.key.per_day
    if of_key and like.n > of_key:
        raise KeyQuotaExceeded("batch", limit=of_key, left=of_key)
    mine = {"user_id": like.user_id, "open": True}
    count = Batch.collection().count_documents(mine, limit=MAX_OPEN)
    if count >= MAX_OPEN:
        raise TooManyBatches(f"user {like.user_id}", retry_after=60, limit=MAX_OPEN)


def expand_prompts(new: NewBatch) -> Expanded:
    """
    All prompts, without duplicates.

    Raises:
        Invalid: there are none or too many, or a line is no valid template.
    """
    found = expansion.expand(new.template, new.prompts)
    if not found.prompts:
        name = "prompts" if new.prompts else expansion.FIELD
        raise Invalid.field(name, "invalid.template_none")
    return found


def check_all(new: NewBatch, found: Expanded, model: Model) -> None:
    """
    Validate every prompt by the model.

    Raises:
        Invalid: a prompt, with its line, or a field is not accepted.
    """
    wrong: dict[str, list[tuple[str, dict]]] = {}
    for prompt, line in zip(found.prompts, found.lines, strict=True):
        try:
            Plan.of(replace(new.like, prompt=prompt), model).check()
        except Invalid as error:
            reasons = error.fields.pop("prompt", [])
            if not reasons:
                raise
            if line < 0:
                wrong[f"prompts.{-line - 1}"] = [*reasons]
            else:
                said = wrong.setdefault(expansion.FIELD, [])
                said += [with_line_number(line, *reason) for reason in reasons]
            if sum(map(len, wrong.values())) >= MAX_REPORTED:
                break
    if wrong:
        raise Invalid(wrong)


def with_line_number(line: int, key: str, values: dict) -> tuple[str, dict]:
    """Add the line number to a prompt's error."""
    if key == "invalid.prompt_length":
        return "invalid.template_length", {"line": line, **values}
    return key, values
