"""The queue, for its operator."""

from itertools import groupby

from flask import Response

from jimeng import auth
from jimeng.answers import success
from jimeng.api import blp
from jimeng.api.shapes import moment
from jimeng.operations import queue
from jimeng.operations.queue import LaneView, Overview, WorkerView
from jimeng.schemas import replies

MOST_DAYS = 30  # that are listed one by one


@blp.get("/queue")
@blp.response(200, replies.QueueRecord)
def show_queue() -> Response:
    """
    Look at the queue: what waits, what runs, what has ended, and who works.

    All numbers count pictures: a task of four counts as four, since each is a
    submission of its own. Dates are days in UTC.
    """
    found = queue.read(auth.viewer_of_api())
    return success(
        {
            "measured_at": moment(found.measured_at),
            **counts(found),
            "by_date": by_date(found),
            "jobs": found.jobs,
            "servers": servers(found.workers),
            "workers": [worker(each) for each in found.workers],
            "lanes": [lane(each) for each in found.lanes],
        }
    )


def counts(found: Overview) -> dict:
    failed = sum(day.failed for day in found.days)
    return {
        "pending": found.pending,
        "active": found.active,
        "retry": found.retry,
        "archived": failed,
        "completed": sum(day.completed for day in found.days),
        "cancelled": sum(day.cancelled for day in found.days),
        "processed": sum(day.processed for day in found.days),
        "failed": failed,
    }


def by_date(found: Overview) -> list[dict]:
    return [
        {
            "date": day.date.isoformat(),
            "processed": day.processed,
            "failed": day.failed,
            "completed": day.completed,
            "cancelled": day.cancelled,
        }
        for day in found.days[:MOST_DAYS]
    ]


def servers(workers: list[WorkerView]) -> list[dict]:
    """The machines that the workers run on."""
    ordered = sorted(workers, key=lambda each: each.host)
    return [
        server(host, list(there)) for host, there in groupby(ordered, lambda w: w.host)
    ]


def server(host: str, workers: list[WorkerView]) -> dict:
    return {
        "host": host,
        "workers": sum(each.alive for each in workers),
        "last_heartbeat": moment(max(each.seen_at for each in workers)),
        "alive": any(each.alive for each in workers),
    }


def worker(found: WorkerView) -> dict:
    return {
        "id": found.id,
        "host": found.host,
        "pid": found.pid,
        "started_at": moment(found.started_at),
        "last_heartbeat": moment(found.seen_at),
        "alive": found.alive,
    }


def lane(found: LaneView) -> dict:
    return {
        "id": found.id,
        "provider": found.provider,
        "model": found.model,
        "slots_in_use": found.slots_in_use,
        "limit": found.limit,
        "configured_limit": found.configured,
        "pending": found.pending,
        "retry": found.retry,
        "back_off_until": moment(found.back_off_until),
    }
