"""Doing the steps, batch by batch; any number of processes may, at any time."""

import logging
import time
from collections.abc import Callable

from jimeng.documents import Worker
from jimeng.documents.migrations import record, steps
from jimeng.documents.migrations.record import Record, TooOld
from jimeng.documents.migrations.steps import Step
from jimeng.errors import ConfigError

log = logging.getLogger(__name__)

# Seconds from saying which code is needed to the first batch: processes with less ask
# every `record.CHECK_EVERY_S`, and finish what they have begun.
NOTICE_S = 20.0


class OthersWork(ConfigError):
    """Workers of a release run that does not know what the next step leaves."""


def run(tell: Callable[[Step, bool], None] = lambda step, is_done: None) -> Record:
    """
    Do all steps that were not done yet; what was interrupted is gone on with.

    Args:
        tell: Called before a step's first batch here, and with True after its last.

    Returns:
        How far the database is now.

    Raises:
        OthersWork: steps before that one are done, and nothing of it.
        TooOld: nothing was changed.
        PyMongoError: MongoDB does not answer; to be run again.
    """
    told = 0
    while (step := pending()) is not None:
        if step.number != told:
            told = step.number
            tell(step, False)
        if not do_batch(step):
            tell(step, True)
    return record.read()


def advance() -> bool:
    """
    Do one batch of what is left, for a consumer's chores.

    Returns:
        Whether there is more.
    """
    try:
        step = pending()
        if step is None:
            return False
        do_batch(step)
    except (OthersWork, TooOld) as error:
        log.warning("not migrated: %s", error)
        return False
    return True


def pending() -> Step | None:
    """
    The first step that was not done to its end.

    Raises:
        TooOld: a later release has gone on from here.
    """
    found = record.read()
    if found.min_code > steps.CODE:
        raise TooOld(found.min_code)
    left = (step for step in steps.STEPS if step.number > found.schema)
    return next(left, None)


def do_batch(step: Step) -> bool:
    """
    Do one batch of a step, and note it.

    Returns:
        Whether the step goes on.

    Raises:
        OthersWork: nothing was changed.
    """
    record.change({"$setOnInsert": {"schema": steps.FIRST, "min_code": 0}})
    found = record.read()
    if found.min_code < step.needs:
        await_release(step)
        # Before its first batch: from then on nobody with less may start.
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
    """Who does the same beside may be further, even at a later step: that stands."""
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
        OthersWork: a worker lives whose code is less than the step needs.
    """
    less = {**Worker.alive(), "code": {"$lt": step.needs}}
    if Worker.collection().find_one(less) is not None:
        raise OthersWork(
            f"step {step.number} ({step.sentence}) has to wait for workers of an "
            "earlier release: stop them, and run it again half a minute later"
        )
