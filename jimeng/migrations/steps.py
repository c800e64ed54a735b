"""All steps in their order, and the number by which this release's code is known."""

from jimeng.migrations.step import Step

# Of release 0.1.0, before which there were none: the first step is number 2.
FIRST = 1
STEPS: tuple[Step, ...] = ()
CODE = STEPS[-1].number if STEPS else FIRST


def needed(schema: int) -> int:
    """The code that is needed at least for a database on which so much was done."""
    return max((step.needs for step in STEPS if step.number <= schema), default=0)
