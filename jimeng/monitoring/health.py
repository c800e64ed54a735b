"""Health: does the process answer, and can it work."""

from datetime import timedelta

from flask import Response
from mongoengine import get_db
from pymongo.errors import PyMongoError

from jimeng import jobs
from jimeng.answers import failure
from jimeng.api.openapi.blueprint import DescribedBlueprint
from jimeng.documents import Worker, utcnow
from jimeng.errors import QueueUnavailable
from jimeng.i18n import t
from jimeng.schemas.replies import Health, Ready

bp = DescribedBlueprint("health", __name__, probe=True)

ALIVE = timedelta(seconds=3 * jobs.HEARTBEAT)


@bp.get("/health", tags=["system"])
@bp.response(200, Health)
def health() -> dict:
    """The process answers; nothing else is asked."""
    return {"status": "ok"}


@bp.get("/health/ready", tags=["system"])
@bp.response(200, Ready)
@bp.describe(errors=["not_ready"])
def ready() -> Response | dict:
    """Everything that a task needs is there; or 503 and what is missing."""
    missing = lacking()
    if not missing:
        return {"status": "ready"}
    message = t("answer.not_ready", missing=", ".join(missing))
    return failure(
        "not_ready",
        503,
        message=message,
        retry_after=5,
        status="unavailable",
        missing=missing,
    )


def lacking() -> list[str]:
    """``mongodb``, ``redis``, ``worker``, ``no_provider``: those that apply."""
    found = []
    try:
        get_db().command("ping")
        recent = {"seen_at": {"$gte": utcnow() - ALIVE}}
        if Worker.find_one(recent) is None:
            found.append("worker")
    except PyMongoError:
        found.append("mongodb")
    try:
        jobs.check_queue()
    except QueueUnavailable:
        found.append("redis")
    if not jobs.runtime().registry.models:
        found.append("no_provider")
    return found
