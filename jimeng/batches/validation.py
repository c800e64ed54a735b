"""Judging: what a batch comes to, and whether the model takes all of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from jimeng.batches import expansion
from jimeng.batches.expansion import MAX_TOLD, Expanded
from jimeng.documents.principal import Principal
from jimeng.errors import Invalid
from jimeng.inputs import Named
from jimeng.providers import Model
from jimeng.tasks import Estimate, NewTask
from jimeng.tasks.requests import check_with_model, model_for, resolve_inputs


@dataclass(frozen=True, kw_only=True)
class NewBatch:
    """
    What is asked for; `schemas` has checked the types.

    Attributes:
        like: What each task is like, but for its prompt. The same pictures go into
            all of them, and no mask.
        prompts: Meant as they stand.
        template: Others, as `expansion` reads them; they come after those.
        name: What it is called; may be empty.
        given: The settings as they came, for the record.
    """

    like: NewTask
    prompts: Sequence[str] = ()
    template: str = ""
    name: str = ""
    given: dict = field(default_factory=dict)


@dataclass(frozen=True)
class BatchEstimate:
    """
    Attributes:
        each: What one of the tasks would be, and cost.
        prompts: Of all, each once.
        repeated: How many more were written that were the same.
    """

    each: Estimate
    prompts: tuple[str, ...]
    repeated: int = 0

    @property
    def pictures(self) -> int:
        return len(self.prompts) * self.each.n

    @property
    def fen_of_all(self) -> int | None:
        """Hundredths of a yuan; None where nobody knows."""
        return None if self.each.fen is None else self.each.fen * self.pictures


def estimate(principal: Principal, new: NewBatch) -> BatchEstimate:
    """
    Judge a request as `create` does. Nothing is written or taken of any limit.

    Raises:
        UserIdNotYours: as `create`, and so is ModelNotAllowed.
        Invalid: as `create`, as far as pictures need not be fetched or decoded for it.
    """
    return judged(principal, new)[0]


def judged(principal: Principal, new: NewBatch) -> tuple[BatchEstimate, list[Named]]:
    """`estimate`, and what is to go into all of it, looked up."""
    principal.require_owner(new.like.user_id, "batch")
    model = model_for(principal, new.like)
    found = written(new)
    check_all(new, found, model)
    named = resolve_inputs(principal, new.like)
    size = None  # which follows from what goes in
    if not named:
        size = model.resolve_size(new.like.size, new.like.quality)
    each = Estimate(model, new.like.n, size)
    return BatchEstimate(each, found.prompts, found.repeated), named


def written(new: NewBatch) -> Expanded:
    """
    All prompts, each once.

    Raises:
        Invalid: there are none, or too many, or a line is no template.
    """
    found = expansion.expand(new.template, new.prompts)
    if not found.prompts:
        name = "prompts" if new.prompts else expansion.FIELD
        raise Invalid.field(name, "invalid.template_none")
    return found


def check_all(new: NewBatch, found: Expanded, model: Model) -> None:
    """
    Ask the model about every prompt.

    Raises:
        Invalid: naming the lines of those that it does not take, or a field.
    """
    wrong: dict[str, list[tuple[str, dict]]] = {}
    for prompt, line in zip(found.prompts, found.lines, strict=True):
        one = replace(new.like, prompt=prompt)
        try:
            check_with_model(one, model)
        except Invalid as error:
            reasons = error.fields.pop("prompt", [])
            if not reasons:
                raise
            if line < 0:
                wrong[f"prompts.{-line - 1}"] = [*reasons]
            else:
                said = wrong.setdefault(expansion.FIELD, [])
                said += [in_line(line, *reason) for reason in reasons]
            if sum(map(len, wrong.values())) >= MAX_TOLD:
                break
    if wrong:
        raise Invalid(wrong)


def in_line(line: int, key: str, values: dict) -> tuple[str, dict]:
    """A reason of a prompt's, with its line."""
    if key == "invalid.prompt_length":
        return "invalid.template_length", {"line": line, **values}
    return key, values
