"""
Transactional outbox: from the end of a task to its webhook deliveries.

A task is marked for announcement when it is inserted. Once it has ended, a sweep
inserts a delivery for each endpoint and then clears the mark. If the process dies
between the two, both are repeated under the same ids.
"""

import json
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from pymongo import UpdateOne

from jimeng.billing import costs
from jimeng.documents import (
    Batch,
    Image,
    Task,
    User,
    WebhookAddress,
    WebhookDelivery,
    WebhookEndpoint,
    new_token,
    utcnow,
)
from jimeng.documents.connection import ignore_duplicates
from jimeng.documents.image import SHOWN
from jimeng.documents.task import ENDED, HAS_FINAL_COST, KNOWN_TYPE
from jimeng.documents.webhook import TEST, fingerprint
from jimeng.errors import Invalid
from jimeng.errors.collections import WebhooksOff
from jimeng.process.runtime import runtime
from jimeng.process.state import Remembered
from jimeng.providers.download import FetchFailed, check_user_url

BATCH_DOCUMENTS = 200
MAX_URL_CHARS = 2000
OWNERS_CACHE_S = 5.0
# By then every process knows a new endpoint, and the tasks it was inserting are stored.
CATCH_UP_FOR = timedelta(seconds=60)
MAX_CLOCK_SKEW = timedelta(seconds=5)
# How long the event of a cancelled task waits for the costs of pictures that had begun.
SETTLEMENT_TIMEOUT = timedelta(seconds=10)
# `None` instead of `$exists`: so the query can use the index.
UNANNOUNCED = {
    **{"announce": {"$exists": True}, "open": None, "status": {"$in": ENDED}},
    **KNOWN_TYPE,
}

Endpoints = dict[str, list[WebhookEndpoint]]  # by user, none for all others


class _State(Remembered):
    owners: tuple[float, frozenset[str]] = (float("-inf"), frozenset())


_state = _State()


def has_endpoint(user_id: str) -> bool:
    """Whether the user has an endpoint, cached for `OWNERS_CACHE_S`."""
    read_at, owners = _state.owners
    if time.monotonic() - read_at >= OWNERS_CACHE_S:
        rows = WebhookEndpoint.collection().find(
            {"url": {"$exists": True}}, {"user_id": 1, "_id": 0}
        )
        owners = frozenset(row["user_id"] for row in rows)
        _state.owners = time.monotonic(), owners
    return user_id in owners


def clear_owner_cache() -> None:
    """Drop this process's cache of users with endpoints."""
    _state.owners = float("-inf"), frozenset()


def secret_key() -> str:
    """
    The key from which signing secrets are derived.

    Raises:
        WebhooksOff: ``SECRET_KEY`` is not set.
    """
    key = runtime().config.SECRET_KEY
    if not key:
        raise WebhooksOff("no SECRET_KEY")
    return key


def ensure_default(user_id: str) -> WebhookEndpoint:
    """
    Return the endpoint that signs deliveries to the URLs of a user's single tasks;
    create it if it does not exist.

    Raises:
        WebhooksOff: as in `secret_key`.
    """
    key_fingerprint = fingerprint(secret_key())
    endpoint_id = WebhookEndpoint.default_id(user_id)
    found = WebhookEndpoint.find_one({"_id": endpoint_id})
    if found is not None:
        return found
    row = WebhookEndpoint.row(
        id=endpoint_id, user_id=user_id, fingerprint=key_fingerprint
    )
    del row["_id"]
    new = {"$setOnInsert": row}
    found = WebhookEndpoint.find_and_modify({"_id": endpoint_id}, new, upsert=True)
    assert found is not None  # an upsert finds what it makes  # noqa: S101
    return found


def check_address(field: str, url: str) -> None:
    """
    Check that deliveries may be sent to a URL, without resolving its host name.

    Raises:
        Invalid: not an https URL, or a private address.
    """
    config = runtime().config
    try:
        if len(url) > MAX_URL_CHARS:
            raise FetchFailed("too long")
        check_user_url(url, config.ALLOWED_USER_HOSTS, config.own_hosts)
    except FetchFailed as error:
        is_inside = error.values.get("reason") in ("private_address", "own_host")
        key = "invalid.webhook_private" if is_inside else "invalid.webhook_address"
        raise Invalid.field(field, key) from None


def sweep() -> bool:
    """Announce tasks that have ended; return whether there may be more."""
    mark_missed()
    border = utcnow() - SETTLEMENT_TIMEOUT
    is_late = {"completed_at": {"$lt": border}}
    ready = {**UNANNOUNCED, "$or": [HAS_FINAL_COST, is_late]}
    found = Task.find_all(ready, limit=BATCH_DOCUMENTS)
    announce(found)
    return len(found) == BATCH_DOCUMENTS


def mark_missed() -> None:
    """
    Mark tasks of users with a new endpoint that were created by a process whose cache
    did not have the endpoint yet.
    """
    now = utcnow()
    for row in WebhookEndpoint.collection().find({"catch_up": {"$exists": True}}):
        since = row["created_at"] - MAX_CLOCK_SKEW
        unmarked = {"announce": {"$exists": False}, "announced": {"$exists": False}}
        Task.collection().update_many(
            {"user_id": row["user_id"], "created_at": {"$gte": since}, **unmarked},
            {"$set": {"announce": True}},
        )
        if now > row["created_at"] + CATCH_UP_FOR:
            WebhookEndpoint.collection().update_one(
                {"_id": row["_id"]}, {"$unset": {"catch_up": ""}}
            )


def announce(tasks: Sequence[Task]) -> None:
    """Insert the deliveries of ended tasks, and clear their marks."""
    if not tasks:
        return
    endpoints = endpoints_for(tasks)
    shown = {"task_id": {"$in": [task.id for task in tasks]}, **SHOWN}
    images: dict[str, dict[int, Image]] = defaultdict(dict)
    for image in Image.find_all(shown):
        images[image.task_id][image.index] = image
    deliveries = [
        row for task in tasks for row in deliveries_of(task, endpoints, images[task.id])
    ]
    insert(deliveries)
    Task.collection().bulk_write(
        [
            UpdateOne(
                # A task that has changed meanwhile has another end to announce.
                {"_id": task.id, "completed_at": task.completed_at},
                {"$set": {"announced": True}, "$unset": {"announce": ""}},
            )
            for task in tasks
        ],
        ordered=False,
    )


def announce_batch(batch: Batch, event: str, at: datetime, data: dict) -> None:
    """Insert the deliveries of an event of a batch."""
    receivers = receivers_of(batch, event, endpoints_for([batch]))
    owner = User.owner_of(batch.user_id)
    insert(
        [
            new_delivery(endpoint, event, batch.id, at, data, url=url, owner=owner)
            for endpoint, url in receivers
        ]
    )


def endpoints_for(subjects: Iterable[Task | Batch]) -> Endpoints:
    """User -> endpoints, of all users who may receive events of these documents."""
    users = {user for each in subjects for user in (each.user_id, signer_of(each))}
    found: Endpoints = defaultdict(list)
    for endpoint in WebhookEndpoint.find_all({"user_id": {"$in": list(users)}}):
        found[endpoint.user_id].append(endpoint)
    return found


def signer_of(subject: Task | Batch) -> str:
    """
    The user whose default endpoint signs what goes to its own ``webhook_url``: the
    owner, or the user whose key acted for the owner.
    """
    return (subject.webhook or {}).get("signer") or subject.user_id


def receivers_of(
    subject: Task | Batch, event: str, endpoints: Endpoints
) -> list[tuple[WebhookEndpoint, str | None]]:
    """The endpoints that receive an event, with the URL where it is another."""
    users = dict.fromkeys((subject.user_id, signer_of(subject)))
    found: list[tuple[WebhookEndpoint, str | None]] = [
        (each, None)
        for user in users
        for each in endpoints[user]
        if each.url is not None and each.wants(event)
    ]
    webhook = subject.webhook or {}
    url, only = webhook.get("url"), webhook.get("events")
    if url and (not only or event in only):
        signing = endpoints[signer_of(subject)]
        found += [(each, url) for each in signing if each.url is None]
    return found


def insert(rows: Sequence[dict]) -> None:
    """Insert new deliveries by what is known of their addresses; existing ones stay
    unchanged."""
    if not rows:
        return
    lanes = {row["lane"] for row in rows}
    known = WebhookAddress.find_all({"_id": {"$in": [*lanes]}})
    answers = {each.id: each.answers for each in known}
    for row in rows:
        if row["lane"] in answers:
            row["slow"] = not answers[row["lane"]]
            del row["untried"]
    with ignore_duplicates():
        WebhookDelivery.collection().insert_many(rows, ordered=False)


def deliveries_of(
    task: Task, endpoints: Endpoints, images: Mapping[int, Image]
) -> list[dict]:
    """Build the deliveries of the end of a task."""
    event = f"task.{task.status}"
    rows = []
    for endpoint, url in receivers_of(task, event, endpoints):
        data = data_of(task, images, include_prompt=endpoint.include_prompt)
        at = task.completed_at or task.updated_at
        row = new_delivery(
            endpoint, event, task.id, at, data, url=url, owner=task.owner_id
        )
        rows.append(row)
    return rows


def new_delivery(
    endpoint: WebhookEndpoint,
    event: str,
    subject: str,
    at: datetime,
    data: dict,
    *,
    url: str | None = None,
    owner: str | None = None,
) -> dict:
    """
    Build the row of a delivery that is ready to send.

    Args:
        at: When *subject* reached this end; distinguishes repeated ends.
        url: The receiver, if not the endpoint's URL.
        owner: Who owns the customer whose event it is.
    """
    body = {"type": event, "timestamp": moment(at), "data": data}
    end = round(at.timestamp() * 1000)
    return WebhookDelivery.row(
        id=WebhookDelivery.id_of(subject, event, end, endpoint.id),
        endpoint=endpoint.id,
        user_id=endpoint.user_id,
        event=event,
        subject=subject,
        url=url,
        body=json.dumps(body, ensure_ascii=False, separators=(",", ":")),
        lane=lane_of(owner or endpoint.user_id, url or endpoint.url or ""),
        customer=data["user_id"] or endpoint.user_id,
        slow=True,
        untried=True,
        ready_at=utcnow(),
    )


def lane_of(owner: str, url: str) -> str:
    """The lane of an owner's deliveries to the host of a URL."""
    return f"{owner} {urlsplit(url).netloc.lower()}"


def data_of(task: Task, images: Mapping[int, Image], *, include_prompt: bool) -> dict:
    """The ``data`` of a delivery about a task."""
    outputs = [
        {
            **output_of(index, end, images.get(index)),
            **cost_fields(task.cost_of(index)),
        }
        for index, end in task.ends.items()
    ]
    return {
        "task_id": task.id,
        "type": task.type,
        "status": task.status,
        "updated_at": moment(task.updated_at),
        "user_id": task.user_id,
        **({"batch_id": task.batch} if task.batch else {}),
        "metadata": task.metadata,
        **cost_fields(task.cost_micros),
        **({"prompt": task.prompt} if include_prompt else {}),
        "outputs": outputs,
        "links": {
            "self": link(f"/api/v1/tasks/{task.id}"),
            "result": link(task.result_path),
            "html": link(f"/tasks/{task.id}"),
        },
    }


def cost_fields(micros: int | None) -> dict:
    """A cost in yuan, as text, and in micro-yuan; both None if it is unknown."""
    cost = None if micros is None else costs.yuan(micros)
    return {"cost": cost, "cost_micros": micros}


def output_of(index: int, end: Mapping, image: Image | None) -> dict:
    """One picture of a task: its URL, or its error code."""
    if end["state"] != "done":
        return {"index": index, "status": "failed", "error": end["error"]["code"]}
    found: dict = {"index": index, "status": "completed"}
    if image is not None:  # else it was deleted
        found |= {
            "url": link(image.path),
            **video_fields(image),
            "width": image.width,
            "height": image.height,
            "bytes": image.bytes,
            "content_type": image.content_type,
        }
    return found


def video_fields(image: Image) -> dict:
    """What a picture does not have."""
    if not image.is_video:
        return {}
    last = image.last_frame_path
    return {
        "kind": "video",
        "poster_url": link(image.poster_path),
        "last_frame_url": last and link(last),
        "duration": image.duration_s,
        "fps": image.fps,
        "has_audio": image.has_audio,
    }


def test_delivery(endpoint: WebhookEndpoint) -> dict:
    """Build the row of a test delivery, which is attempted once."""
    data = {"webhook_id": endpoint.id, "user_id": endpoint.user_id}
    owner = User.owner_of(endpoint.user_id)
    row = new_delivery(endpoint, TEST, new_token(), utcnow(), data, owner=owner)
    del row["subject"]
    return {**row, "once": True}


def link(path: str) -> str:
    """*path* under ``PUBLIC_URL``; relative if that is not set."""
    return runtime().config.PUBLIC_URL + path


def moment(when: datetime) -> str:
    """RFC 3339, UTC, milliseconds, ending in ``Z``."""
    text = when.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
