"""Health: does the process answer, and can it work."""

from datetime import timedelta

from flask import Blueprint, Response, jsonify
from mongoengine import get_db
from pymongo.errors import PyMongoError

from jimeng import jobs
from jimeng.answers import failure
from jimeng.documents import Worker, utcnow
from jimeng.errors import QueueUnavailable
from jimeng.i18n import t

bp = Blueprint("health", __name__)

ALIVE = timedelta(seconds=3 * jobs.HEARTBEAT)


@bp.get("/health")
def health() -> Response:
    """The process answers; nothing else is asked."""
    return jsonify(status="ok", message=t("answer.healthy"))


@bp.get("/health/ready")
def ready() -> Response:
    """Everything that a task needs is there; or 503 and what is missing."""
    missing = lacking()
    if not missing:
        return jsonify(status="ready", message=t("answer.ready"))
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
