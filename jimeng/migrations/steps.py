"""All steps in their order, and the number by which this release's code is known."""

from jimeng.migrations import picture_labels
from jimeng.migrations.step import Step

STEPS: tuple[Step, ...] = (picture_labels.STEP,)
CODE = STEPS[-1].number


def needed(schema: int) -> int:
    """The code that is needed at least for a database on which so much was done."""
    return max((step.needs for step in STEPS if step.number <= schema), default=0)
