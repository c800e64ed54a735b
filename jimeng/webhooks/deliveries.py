"""
Webhook deliveries: each is attempted until it succeeds, or for three days.

A few threads of each consumer, separate from Huey's, attempt the deliveries that are
ready, round-robin over users. A user has at most `MAX_PER_USER` deliveries in flight,
and one per host. Threads of their own serve endpoints whose latest attempt succeeded,
and endpoints that are untried, so that receivers which fail or never answer delay
neither these nor the pictures.
"""

import logging
import random
import re
import ssl
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from pymongo.errors import DuplicateKeyError
from standardwebhooks import Webhook

from jimeng import lanes
from jimeng.documents import WebhookDelivery, WebhookEndpoint, indexes, utcnow
from jimeng.documents.base import KNOWN_KIND
from jimeng.documents.webhook import DELIVERED, FAILED, PENDING, fingerprint
from jimeng.errors import outages
from jimeng.process import activity
from jimeng.process.metric_counts import counts
from jimeng.process.runtime import runtime
from jimeng.providers.download import FetchFailed, post_user_url
from jimeng.providers.transport import CallFailed

log = logging.getLogger(__name__)

# Groups of deliveries, by the latest attempt at their endpoint.
WORKING, UNTRIED, FAILING = "working", "untried", "failing"
FILTERS: dict[str, dict] = {
    WORKING: {"slow": False},
    UNTRIED: {"slow": True, "untried": True},
    FAILING: {"slow": True, "untried": {"$exists": False}},
}
MAX_THREADS = {WORKING: 4, UNTRIED: 12, FAILING: 8}  # of a consumer
# What the threads of each group serve, in this order.
SERVED = {
    WORKING: (WORKING,),
    UNTRIED: (UNTRIED, WORKING),
    FAILING: (UNTRIED, FAILING, WORKING),
}
MAX_PER_USER = 2  # deliveries in flight
# Untried deliveries in flight to a host, and of the users under one prefix such as
# ``shop:``, so that their tar pits leave threads to the new receivers of others.
MAX_UNTRIED = 3
LEASE = timedelta(seconds=30)
ATTEMPT_TIMEOUT_S = 15.0  # for everything
MAX_ANSWER_BYTES = 2048  # of the body, which is stored
MAX_STORED_ATTEMPTS = 20
BATCH_DOCUMENTS = 500
# After each attempt; plus jitter, so that retries do not synchronize.
RETRY_S = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
JITTER = 0.2
MAX_RETRY_AFTER_S = 86_400
# An endpoint is disabled after so many failures in a row, over at least so long: a
# receiver that restarts fails many in a minute.
MAX_FAILURES, FAILING_FOR = 50, timedelta(hours=1)
GONE = 410
RECENT = timedelta(minutes=10)  # of `count_recent`
# Why an endpoint is disabled.
RECEIVER_GONE, FAILING, KEY_CHANGED = "gone", "failing", "secret_key_changed"
DISABLED = "disabled"  # as `Attempt.outcome`: nothing was sent
UNKNOWN = "interrupted"  # likewise: the process died during the attempt
CERTIFICATE_ERRORS = {
    10: "certificate_expired",
    62: "certificate_wrong_host",
}  # OpenSSL's

_free = {group: threading.Semaphore(most) for group, most in MAX_THREADS.items()}
_untried_claim = threading.Lock()
_last_user: dict[str, str] = defaultdict(str)  # the one served last, by group


@dataclass(frozen=True)
class Attempt:
    """
    The result of one attempt.

    Attributes:
        outcome: ``delivered``, or an error code.
        status: HTTP status of the response, if there was one.
        body: The beginning of the response body.
        retry_after: Seconds, from the response's header.
    """

    outcome: str
    status: int | None = None
    body: str = ""
    retry_after: float = 0.0


def start_threads() -> bool:
    """
    Start threads for the deliveries that are ready, unless webhooks are paused.

    Returns:
        Whether more are due.
    """
    if not runtime().config.SECRET_KEY:
        return False
    there_is_more = make_due_ready()
    ready = {"ready_at": {"$exists": True}}
    if not WebhookDelivery.find_ids(ready, limit=1, hint="ready") or not is_enabled():
        return there_is_more
    for group, free in _free.items():
        for _ in range(count_ready(group)):
            if not free.acquire(blocking=False):
                break
            name = f"webhooks-{group}"
            threading.Thread(target=work, args=[group], name=name, daemon=True).start()
    return there_is_more


def is_enabled() -> bool:
    """Whether deliveries may be sent: there is a signing key, and no pause."""
    return (
        bool(runtime().config.SECRET_KEY)
        and not lanes.is_paused(lanes.WEBHOOKS)
        and indexes.is_there(indexes.FLIGHTS)
    )


def work(group: str) -> None:
    """The body of a thread: attempt deliveries until none is ready."""
    try:
        for delivery in claim_ready(group):
            deliver(delivery)
            activity.wake()
    except Exception as error:  # the lease expires, and another thread retries
        outages.failed("webhook delivery", error)
    finally:
        _free[group].release()


def claim_ready(group: str) -> Iterator[WebhookDelivery]:
    """Claim deliveries that threads of *group* serve, and yield them one by one."""
    while is_enabled():
        found = next(filter(None, map(claim, SERVED[group])), None)
        if found is None:
            return
        yield found


def count_ready(group: str) -> int:
    """How many deliveries of the group may be claimed, at most `MAX_THREADS`."""
    ready = ready_to_claim(group, in_flight())
    most = MAX_THREADS[group]
    return WebhookDelivery.collection().count_documents(ready, limit=most)


def count_waiting() -> int:
    """How many deliveries are pending."""
    count = WebhookDelivery.collection().count_documents
    return sum(
        count({f"{state}_at": {"$exists": True}}, hint=state)
        for state in ("ready", "due")  # by their indexes: most have been delivered
    )


def count_recent() -> tuple[int, int]:
    """
    Count the attempts within `RECENT` that failed, and all of these. Of a delivery
    counts each of its latest attempts.
    """
    since = utcnow() - RECENT
    sent = {"at": {"$gte": since}, "outcome": {"$nin": [DISABLED, UNKNOWN]}}
    outcomes: Counter[str] = Counter()
    for where, index in (
        ({"ended_at": {"$gte": since}}, "forgotten"),
        ({"due_at": {"$exists": True}}, "due"),
        ({"ready_at": {"$exists": True}}, "ready"),
    ):
        stages: list[dict] = [
            {"$match": where},
            {"$project": {"attempts.at": 1, "attempts.outcome": 1}},
            {"$unwind": "$attempts"},
            {"$match": {f"attempts.{name}": value for name, value in sent.items()}},
            {"$group": {"_id": "$attempts.outcome", "n": {"$sum": 1}}},
        ]
        for row in WebhookDelivery.collection().aggregate(stages, hint=index):
            outcomes[row["_id"]] += row["n"]
    return outcomes.total() - outcomes[DELIVERED], outcomes.total()


def make_due_ready() -> bool:
    """
    Make deliveries ready that are due, also those of a process that died; return
    whether there are more.
    """
    now = utcnow()
    deliveries = WebhookDelivery.collection()
    due = {"due_at": {"$lte": now}, **KNOWN_KIND}
    ids = WebhookDelivery.find_ids(due, limit=BATCH_DOCUMENTS)
    if ids:
        deliveries.update_many(
            {"_id": {"$in": ids}, **due},
            {
                "$set": {"ready_at": now},
                "$unset": {"due_at": "", "owner": "", "flight": ""},
            },
        )
    return len(ids) == BATCH_DOCUMENTS


def claim(group: str) -> WebhookDelivery | None:
    """Claim the group's next delivery of the next user; None if none is ready."""
    # Else the threads would count the same flights, and exceed `MAX_UNTRIED` together.
    with _untried_claim if group == UNTRIED else nullcontext():
        flights = in_flight()
        while (row := next_ready(group, flights)) is not None:
            # So each iteration has one candidate less.
            flights.append({**row, "flight": row["lane"]})
            try:
                found = WebhookDelivery.claim(
                    {"_id": row["_id"], "ready_at": {"$exists": True}},
                    LEASE,
                    {
                        "$set": {"flight": row["lane"]},
                        "$inc": {"tries": 1},
                        "$unset": {"ready_at": ""},
                    },
                )
            except DuplicateKeyError:
                continue  # another one to that user and host is in flight by now
            if found is not None:
                _last_user[group] = found.user_id
                return found
    return None


def in_flight() -> list[dict]:
    """The deliveries in flight: where to, and whether that is untried."""
    flights, fields = {"flight": {"$exists": True}}, {"flight": 1, "untried": 1}
    return list(WebhookDelivery.collection().find(flights, fields))


def ready_to_claim(group: str, flights: Sequence[Mapping]) -> dict:
    """
    The query for the group's deliveries that are ready, and may be sent at the same
    time as those in flight.
    """
    lanes = [each["flight"] for each in flights]
    of_user = Counter(lane.partition(" ")[0] for lane in lanes)
    busy = [user for user, n in of_user.items() if n >= MAX_PER_USER]
    crowded: list[re.Pattern] = []
    if group == UNTRIED:
        crowded = crowded_lanes(each["flight"] for each in flights if "untried" in each)
    return {
        "ready_at": {"$exists": True},
        "lane": {"$nin": [*lanes, *crowded]},
        "user_id": {"$nin": busy},
        **FILTERS[group],
        **KNOWN_KIND,
    }


def crowded_lanes(lanes: Iterable[str]) -> list[re.Pattern]:
    """Patterns of the hosts and prefixes of users that have `MAX_UNTRIED` of these."""
    counts: Counter[str] = Counter()
    for user, _, host in (each.partition(" ") for each in lanes):
        counts[f" {re.escape(host)}$"] += 1
        prefix, colon, _ = user.partition(":")
        if colon:
            counts[f"^{re.escape(prefix)}:"] += 1
    return [re.compile(each) for each, n in counts.items() if n >= MAX_UNTRIED]


def next_ready(group: str, flights: Sequence[Mapping]) -> dict | None:
    """Find the group's next delivery that is ready, round-robin over users."""
    ready = ready_to_claim(group, flights)
    fields, round_robin = {"lane": 1, "untried": 1}, [("user_id", 1), ("ready_at", 1)]
    for after in (_last_user[group], ""):
        users = {"user_id": {"$gt": after, **ready["user_id"]}}
        row = WebhookDelivery.collection().find_one(
            {**ready, **users}, fields, sort=round_robin
        )
        if row is not None:
            return row
    return None


def deliver(delivery: WebhookDelivery) -> None:
    """Make one attempt and record its result."""
    endpoint = WebhookEndpoint.find_one({"_id": delivery.endpoint})
    if endpoint is None:  # deleted
        WebhookDelivery.collection().delete_one({"_id": delivery.id})
        return
    key = runtime().config.SECRET_KEY
    if endpoint.disabled is None and endpoint.fingerprint != fingerprint(key):
        disable(endpoint, delivery, KEY_CHANGED)
        endpoint.disabled = KEY_CHANGED
    at, began = utcnow(), time.monotonic()
    if endpoint.disabled is not None:
        attempt = Attempt(DISABLED)
    elif delivery.tries > len(RETRY_S) + 1 and not delivery.once:
        attempt = Attempt(
            UNKNOWN
        )  # a delivery that kills its processes has to end, too
    else:
        attempt = send(delivery, endpoint, key)
    seconds = round(time.monotonic() - began, 2)
    counts.add("webhook_attempts", attempt.outcome)
    record_attempt(delivery, attempt, at, seconds)
    if attempt.outcome not in (DISABLED, UNKNOWN):
        update_endpoint(endpoint, delivery, attempt)


def send(delivery: WebhookDelivery, endpoint: WebhookEndpoint, key: str) -> Attempt:
    """Sign a delivery and send it, once."""
    config = runtime().config
    url, now = delivery.url or endpoint.url or "", utcnow()
    try:
        answer = post_user_url(
            url,
            delivery.body.encode(),
            headers(delivery, endpoint.signing_secrets(key, now), now),
            allowed_private=config.ALLOWED_USER_HOSTS,
            never=config.own_hosts,
            cap=MAX_ANSWER_BYTES,
            limit=ATTEMPT_TIMEOUT_S,
        )
    except FetchFailed as error:
        result = reason_of(error)
        log.info("webhook not delivered %s outcome=%s", names_of(delivery), result)
        return Attempt(result)
    result = result_of_status(answer.status)
    log.info("webhook attempted %s status=%d", names_of(delivery), answer.status)
    body = answer.body.decode(errors="replace").replace(
        "\0", "\N{REPLACEMENT CHARACTER}"
    )
    after = retry_after(answer.headers, now)
    return Attempt(result, answer.status, body, after)


def names_of(delivery: WebhookDelivery) -> str:
    """For the log: what, whose, and where to; the path of a URL may be a secret."""
    return (
        f"id={delivery.id} endpoint={delivery.endpoint} user={delivery.user_id} "
        f"host={delivery.host}"
    )


def headers(
    delivery: WebhookDelivery, secrets: list[str], now: datetime
) -> dict[str, str]:
    """The headers of Standard Webhooks 1.0, signed for this body and time."""
    signatures = [Webhook(s).sign(delivery.id, now, delivery.body) for s in secrets]
    return {
        "Content-Type": "application/json",
        "webhook-id": delivery.id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def result_of_status(status: int) -> str:
    """``delivered``, or an error code, by the HTTP status of the response."""
    if 200 <= status < 300:
        return DELIVERED
    if 300 <= status < 400:
        return "redirected"
    return RECEIVER_GONE if status == GONE else "refused"


def reason_of(error: FetchFailed) -> str:
    """The error code of an attempt without a response."""
    call = error.__cause__
    if not isinstance(call, CallFailed):
        return str(error.values.get("reason", "connection_failed"))
    cause = call.__cause__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return CERTIFICATE_ERRORS.get(cause.verify_code, "certificate_untrusted")
    if isinstance(cause, ssl.SSLError):
        return "tls_failed"
    if isinstance(cause, TimeoutError):
        return "answer_timeout" if call.sent else "connect_timeout"
    return "connection_lost" if call.sent else "connection_failed"


def retry_after(headers: Mapping[str, str], now: datetime) -> float:
    """Parse Retry-After (RFC 9110, section 10.2.3) into seconds; 0 if absent."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        seconds = float(text[:9])
    else:
        try:
            then = parsedate_to_datetime(text)
        except ValueError:
            return 0.0
        seconds = (then.replace(tzinfo=then.tzinfo or UTC) - now).total_seconds()
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_S)


def record_attempt(
    delivery: WebhookDelivery, attempt: Attempt, at: datetime, seconds: float
) -> None:
    """Record an attempt and schedule the next one, unless the lease was lost."""
    entry: dict = {"at": at, "outcome": attempt.outcome, "seconds": seconds}
    if attempt.status is not None:
        entry |= {"status": attempt.status, "body": attempt.body}
    wait = next_wait(delivery, attempt)
    gone = dict.fromkeys(("owner", "flight", "once"), "")
    changes: dict = {}
    if wait is not None:
        changes = {"due_at": utcnow() + timedelta(seconds=wait)}
    else:
        state = DELIVERED if attempt.outcome == DELIVERED else FAILED
        changes = {"state": state, "ended_at": utcnow()}
        gone |= {"due_at": ""}
    latest = {"attempts": {"$each": [entry], "$slice": -MAX_STORED_ATTEMPTS}}
    delivery.update_owned({"$set": changes, "$unset": gone, "$push": latest})


def next_wait(delivery: WebhookDelivery, attempt: Attempt) -> float | None:
    """Seconds until the next attempt; None if there is none."""
    if attempt.outcome in (DELIVERED, RECEIVER_GONE, DISABLED, UNKNOWN):
        return None
    if delivery.once or delivery.tries > len(RETRY_S):
        return None
    jitter = random.uniform(1, 1 + JITTER)  # noqa: S311 - no secret
    return max(RETRY_S[delivery.tries - 1] * jitter, attempt.retry_after)


def update_endpoint(
    endpoint: WebhookEndpoint, delivery: WebhookDelivery, attempt: Attempt
) -> None:
    """Update the endpoint's health; disable one that keeps failing."""
    endpoints, mine = WebhookEndpoint.collection(), {"_id": endpoint.id}
    is_delivered = attempt.outcome == DELIVERED
    if is_delivered:
        if endpoint.failures or not endpoint.proven:
            endpoints.update_one(
                mine,
                {
                    "$set": {"failures": 0, "proven": True},
                    "$unset": {"failing_since": "", "failure": ""},
                },
            )
    elif not delivery.once:
        now = utcnow()
        since = {"$ifNull": ["$failing_since", now]}
        failures = {"$add": ["$failures", 1]}
        failure: dict = {"outcome": attempt.outcome, "host": delivery.host}
        if attempt.status is not None:
            failure["status"] = attempt.status
        found = WebhookEndpoint.find_and_modify(
            mine,
            [
                {
                    "$set": {
                        **{"failures": failures, "failing_since": since},
                        **{"proven": False, "failure": {"$literal": failure}},
                    }
                }
            ],
        )
        if found is not None and found.failures == 1:
            status = "" if attempt.status is None else f" status={attempt.status}"
            log.warning(
                "webhook failing %s outcome=%s%s",
                *(names_of(delivery), attempt.outcome, status),
            )
        # An endpoint without a URL stands for the URLs of single tasks, which may
        # differ: failures of one say nothing about the others.
        if found is not None and endpoint.url is not None:
            began = found.failing_since or now
            is_failing = found.failures >= MAX_FAILURES and began <= now - FAILING_FOR
            if attempt.outcome == RECEIVER_GONE or is_failing:
                gone = attempt.outcome == RECEIVER_GONE
                disable(endpoint, delivery, RECEIVER_GONE if gone else FAILING)
    else:
        return
    if endpoint.proven is not is_delivered:
        WebhookDelivery.collection().update_many(
            {"endpoint": endpoint.id, "state": PENDING},
            {"$set": {"slow": not is_delivered}, "$unset": {"untried": ""}},
        )


def disable(endpoint: WebhookEndpoint, delivery: WebhookDelivery, why: str) -> None:
    """Disable an endpoint until its owner enables it again."""
    WebhookEndpoint.collection().update_one(
        {"_id": endpoint.id, "disabled": {"$exists": False}},
        {"$set": {"disabled": why, "updated_at": utcnow()}},
    )
    log.warning("webhook disabled %s why=%s", names_of(delivery), why)
