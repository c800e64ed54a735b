"""``flask queue``: show, pause and clear the queue, reset a lane."""

import time
from collections.abc import Iterator

import click
from flask.cli import with_appcontext

from jimeng import jobs, lanes, operations
from jimeng.cli.databases import OPERATOR, databases
from jimeng.documents import BulkAction, Worker
from jimeng.errors import Invalid
from jimeng.jobs import bulk
from jimeng.operations.lane_status import AccountView, LaneView
from jimeng.operations.queue import QueueView

MAX_DAYS = 7
POLL_INTERVAL_S = 0.5  # while another process works on the bulk action


@click.group()
def queue() -> None:
    """Show, pause or clear the queue; reset a lane."""


@queue.command()
@with_appcontext
def status() -> None:
    """Print waiting, running and ended work, and the workers."""
    with databases():
        found = operations.queue.read_queue(OPERATOR)
        paused = operations.queue_actions.pauses(OPERATOR)
    for pause in paused:
        click.echo(f"paused     {pause.name}, since {pause.since:%Y-%m-%d %H:%M}Z")
    for line in report(found):
        click.echo(line)


switch = click.argument("name", type=click.Choice(lanes.SWITCHES))


@queue.command()
@switch
@with_appcontext
def pause(name: str) -> None:
    """
    Pause a part of the work, for all processes.

    `intake`: no new tasks are accepted. `sending`: nothing waiting is sent; submitted
    pictures go on. `webhooks`: no deliveries are sent.
    """
    with databases():
        operations.queue_actions.set_paused(OPERATOR, name, True)
    click.echo(f"paused: {name}")


@queue.command()
@switch
@with_appcontext
def resume(name: str) -> None:
    """Resume a paused part of the work."""
    with databases():
        operations.queue_actions.set_paused(OPERATOR, name, False)
    click.echo(f"goes on: {name}")


@queue.command()
@click.argument("lane")
@with_appcontext
def reset(lane: str) -> None:
    """
    Reset the lowered limit and the back-off of LANE.

    Its limit is the configured one again. `queue status` prints the lanes. If the
    provider still refuses as many pictures, the limit is lowered again.
    """
    with databases():
        try:
            operations.queue_actions.reset_lane(OPERATOR, lane)
        except Invalid as error:
            known = "\n  ".join(sorted(jobs.runtime().registry.limits))
            said = f"there is no lane {lane!r}, but:\n  {known}"
            raise click.ClickException(said) from error
    click.echo(f"reset: {lane}")


@queue.command()
@click.option("--force", is_flag=True, help="Do not ask first.")
@with_appcontext
def clear(force: bool) -> None:
    """
    Cancel every task that has not started, and empty the queue in Redis.

    Batches stop. Submitted pictures go on. The cancelled tasks say that the operator
    cleared the queue, and can be retried. Progress is printed to standard error; if
    interrupted, a worker finishes the clearing.
    """
    with databases():
        if not force:
            waiting = operations.queue.read_queue(OPERATOR).pending
            click.confirm(
                f"{waiting} pictures wait. Cancel their tasks and empty the queue?",
                abort=True,
            )
        ended = await_end(operations.queue_actions.clear(OPERATOR))
    click.echo(f"tasks cancelled: {ended.done}")
    click.echo(f"jobs removed: {ended.details['jobs']}")
    if ended.error:
        raise click.ClickException(f"ended early: {ended.error}")


def await_end(action: BulkAction) -> BulkAction:
    """
    Work on a bulk action until it ends, together with any running workers.
    """
    while action.is_open:
        before = action.done
        action = bulk.work(action, budget_s=1.0)
        click.echo(f"{action.done} of {max(action.total, action.done)} tasks", err=True)
        if action.is_open and action.done == before:
            time.sleep(POLL_INTERVAL_S)
    return action


def report(found: QueueView) -> Iterator[str]:
    """The lines of ``flask queue status``."""
    failed = sum(day.failed for day in found.days)
    yield f"pending    {found.pending}"
    yield f"active     {found.active}"
    yield f"retry      {found.retry}"
    yield f"archived   {failed}"
    yield f"completed  {sum(day.completed for day in found.days)}"
    yield f"cancelled  {sum(day.cancelled for day in found.days)}"
    yield f"processed  {sum(day.processed for day in found.days)}"
    yield f"failed     {failed}"
    yield f"jobs       {'Redis is away' if found.jobs is None else found.jobs}"
    for day in found.days[:MAX_DAYS]:
        yield f"{day.date}  processed {day.processed}, failed {day.failed}"
    for lane in found.lanes:
        yield format_lane(lane)
        if lane.is_shared or lane.strangers:
            yield from map(format_account, lane.accounts)
    yield from (format_worker(worker, found) for worker in found.workers)


def format_lane(lane: LaneView) -> str:
    limit = "not offered" if lane.limit is None else f"of {lane.limit}"
    text = f"lane {lane.id}: {lane.slots_in_use} {limit} slots, {lane.pending} pending"
    if lane.retry:
        text += f", {lane.retry} retry"
    text += lowered(lane) + failing(lane)
    if lane.back_off_until:
        text += f", backs off until {lane.back_off_until:%H:%M:%S}Z"
    return text


def lowered(found: LaneView | AccountView) -> str:
    if not found.is_lowered:
        return ""
    return f", limit lowered from {found.configured}: the provider refused more"


def failing(found: LaneView | AccountView) -> str:
    if (failures := found.failures) is None:
        return ""
    since = f"{failures.since:%H:%M:%S}Z"
    of_all = f"{failures.count} of {failures.count}"
    return f", {of_all} submissions failed since {since} ({failures.code})"


def format_account(each: AccountView) -> str:
    text = f"  account {each.account}: {each.slots_in_use}"
    if each.limit is None:
        return f"{text} slots held, not in the settings: nobody asks for its pictures"
    text += f" of {each.limit} slots{lowered(each)}"
    if each.back_off_until:
        kind = f"refused ({each.refused}), rests" if each.refused else "backs off"
        text += f", {kind} until {each.back_off_until:%H:%M:%S}Z"
    return text + failing(each)


def format_worker(worker: Worker, found: QueueView) -> str:
    ago = (found.measured_at - worker.seen_at).total_seconds()
    state = "alive" if worker.is_alive else "gone"
    state = "too old for the database, stopped" if worker.too_old else state
    beat = f"{state}, heartbeat {ago:.0f} s ago, {worker.release or ''}"
    return f"worker {worker.host}:{worker.pid}: {beat}"
