"""Run the migration steps in batches; any number of processes may run them at once."""

import logging
import time
from collections.abc import Callable

from jimeng.documents import Worker
from jimeng.documents.migrations import record, steps
from jimeng.documents.migrations.record import Record, TooOld
from jimeng.documents.migrations.steps import Step
from jimeng.errors import ConfigError

log = logging.getLogger(__name__)

# Seconds between setting `min_code` and the first batch: older processes check it every
# `record.CHECK_EVERY_S`, and must finish the operations that they have begun.
NOTICE_S = 20.0


class IncompatibleWorkers(ConfigError):
    """Workers are running whose release cannot read the next step's documents."""


def run(report: Callable[[Step, bool], None] = lambda step, is_done: None) -> Record:
    """
    Run all pending steps; resume one that was interrupted.

    Args:
        report: Progress callback: called before the first batch of a step in this
            process, and with True after its last.

    Returns:
        The resulting migration record.

    Raises:
        IncompatibleWorkers: earlier steps are complete; the refused one has not begun.
        TooOld: nothing was changed.
        PyMongoError: MongoDB does not answer; run it again.
    """
    logged = 0
    while (step := pending()) is not None:
        if step.number != logged:
            logged = step.number
            report(step, False)
        if not do_batch(step):
            report(step, True)
    return record.read()


def advance() -> bool:
    """
    Run one batch of the pending steps, as a consumer's periodic task.

    Returns:
        Whether more batches are pending.
    """
    try:
        step = pending()
        if step is None:
            return False
        do_batch(step)
    except (IncompatibleWorkers, TooOld) as error:
        log.warning("not migrated: %s", error)
        return False
    return True


def pending() -> Step | None:
    """
    Return the first step that is not complete, or None.

    Raises:
        TooOld: a later release has migrated the database further.
    """
    found = record.read()
    if found.min_code > steps.CODE:
        raise TooOld(found.min_code)
    remaining = (step for step in steps.STEPS if step.number > found.schema)
    return next(remaining, None)


def do_batch(step: Step) -> bool:
    """
    Run one batch of a step, and store the progress.

    Returns:
        Whether the step has further batches.

    Raises:
        IncompatibleWorkers: nothing was changed.
    """
    record.change({"$setOnInsert": {"schema": steps.FIRST, "min_code": 0}})
    found = record.read()
    if found.min_code < step.needs:
        await_release(step)
        # Before the first batch: from now on, older code must not start.
        record.change({"$max": {"min_code": step.needs}})
        time.sleep(NOTICE_S)
    after = found.after if found.step == step.number else ""
    last = step.batch(after)
    if last is None:
        record.change({"$max": {"schema": step.number}})
        log.info("step done number=%d: %s", step.number, step.sentence)
        return False
    store_progress(step, last)
    return True


def store_progress(step: Step, last: str) -> None:
    """Store progress, unless a parallel process is further, even at a later step."""
    done = {"$literal": last}
    further = {"$max": ["$after", done]}
    is_same = {"$eq": ["$step", step.number]}
    record.rows().update_one(
        {**record.MINE, "step": {"$not": {"$gt": step.number}}},
        [{"$set": {"after": {"$cond": [is_same, further, done]}, "step": step.number}}],
    )


def await_release(step: Step) -> None:
    """
    Raises:
        IncompatibleWorkers: a worker is alive whose code is older than the step needs.
    """
    less = {**Worker.alive(), "code": {"$lt": step.needs}}
    if Worker.collection().find_one(less) is not None:
        raise IncompatibleWorkers(
            f"step {step.number} ({step.sentence}) has to wait for workers of an "
            "earlier release: stop them, and run it again half a minute later"
        )
