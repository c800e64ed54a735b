"""
Webhook deliveries: each is attempted until it succeeds, or for three days.

Deliveries belong to one of three groups, each with threads of its own in each consumer:
the latest attempt of their lane, an owner's receivers at one host, succeeded, there was
none, or it failed. Of what a group may have in flight an owner, and likewise a host,
holds at most half of what others leave, and a customer half of what the owner's other
customers leave. Lanes have turns, with four in flight where the latest attempt
succeeded, and else one.
"""

import logging
import random
import re
import ssl
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from pymongo.errors import DuplicateKeyError
from standardwebhooks import Webhook

from jimeng import lanes
from jimeng.documents import (
    WebhookAddress,
    WebhookDelivery,
    WebhookEndpoint,
    indexes,
    utcnow,
)
from jimeng.documents.kinds import KNOWN_KIND
from jimeng.documents.webhook import DELIVERED, FAILED, PENDING, fingerprint
from jimeng.errors import outages
from jimeng.process import activity
from jimeng.process.metric_counts import counts
from jimeng.process.runtime import runtime
from jimeng.process.state import remembered
from jimeng.providers.download import FetchFailed, post_user_url
from jimeng.providers.transport import CallFailed

log = logging.getLogger(__name__)

# Groups of deliveries, by the latest attempt of their lane.
WORKING, UNTRIED, FAILING = "working", "untried", "failing"
FILTERS: dict[str, dict] = {
    WORKING: {"slow": False, "untried": None},
    UNTRIED: {"slow": True, "untried": True},
    FAILING: {"slow": True, "untried": None},
}
# Threads of a consumer, which mostly wait for receivers; what all consumers have in
# flight is shared by the same numbers.
MAX_IN_FLIGHT = {WORKING: 16, UNTRIED: 128, FAILING: 16}
MAX_PER_LANE = {WORKING: 4, UNTRIED: 1, FAILING: 1}
READY = {"ready_at": {"$exists": True}}
IN_TURN = [("lane", 1), ("ready_at", 1)]
LEASE = timedelta(seconds=30)
ATTEMPT_TIMEOUT_S = 15.0  # for everything
# The same for the first attempt at a host while others wait for theirs: the second one,
# seconds later, is in a group that none of these wait for.
FIRST_TIMEOUT_S = 5.0
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

_free = {group: threading.Semaphore(most) for group, most in MAX_IN_FLIGHT.items()}
# Else the threads would count the same flights, and exceed the shares together.
_claiming = {group: threading.Lock() for group in FILTERS}
# the one served last, by group
_last_lane: dict[str, str] = remembered(defaultdict(str))


@dataclass(frozen=True)
class Full:
    """
    What may have no more deliveries of a group in flight; see the module.

    Attributes:
        hosts: Patterns of lanes.
    """

    lanes: list[str]
    owners: list[str]
    hosts: list[re.Pattern]
    customers: list[str]

    @classmethod
    def of(cls, group: str, flights: Iterable[Mapping]) -> "Full":
        """
        Count what is in flight.

        Args:
            flights: As by `in_flight`, of all groups.
        """
        lanes: Counter[str] = Counter()
        owners: Counter[str] = Counter()
        hosts: Counter[str] = Counter()
        customers: Counter[tuple[str, str | None]] = Counter()
        for each in flights:
            owner, host, *_ = each["flight"].split(" ")
            lanes[f"{owner} {host}"] += 1
            if group_of(each) == group:
                owners[owner] += 1
                hosts[host] += 1
                customers[owner, each.get("customer")] += 1
        most, total = MAX_IN_FLIGHT[group], owners.total()
        shares = {owner: share(most, total, n) for owner, n in owners.items()}
        return cls(
            [lane for lane, n in lanes.items() if n >= MAX_PER_LANE[group]],
            [owner for owner, n in owners.items() if n >= shares[owner]],
            [
                re.compile(f" {re.escape(host)}$")
                for host, n in hosts.items()
                if n >= share(most, total, n)
            ],
            [
                customer
                for (owner, customer), n in customers.items()
                if customer and n >= share(shares[owner], owners[owner], n)
            ],
        )


def share(most: int, total: int, own: int) -> int:
    """Half of what others leave: of *most*, where *own* of *total* are one's own."""
    return max((most - (total - own) + 1) // 2, 1)


def group_of(row: Mapping) -> str:
    """The group of a delivery, by its fields."""
    if not row["slow"]:
        return WORKING
    return UNTRIED if row.get("untried") else FAILING


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
    if WebhookDelivery.find_ids(READY, limit=1, hint="turns") and is_enabled():
        for group in FILTERS:
            start_thread(group)
    return there_is_more


def start_thread(group: str) -> None:
    """Start a thread of the group, unless all of them are running."""
    if _free[group].acquire(blocking=False):
        name = f"webhooks-{group}"
        threading.Thread(target=work, args=[group], name=name, daemon=True).start()


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
            start_thread(group)  # for the next one, if there is one
            deliver(delivery)
            activity.wake()
    except Exception as error:  # the lease expires, and another thread retries
        outages.failed("webhook delivery", error)
    finally:
        _free[group].release()


def claim_ready(group: str) -> Iterator[WebhookDelivery]:
    """Claim deliveries of the group, and yield them one by one."""
    while is_enabled() and (found := claim(group)) is not None:
        yield found


def count_waiting() -> int:
    """How many deliveries are pending."""
    count = WebhookDelivery.collection().count_documents
    return sum(
        count({f"{state}_at": {"$exists": True}}, hint=index)  # most were delivered
        for state, index in (("ready", "turns"), ("due", "due"))
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
        (READY, "turns"),
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
    """Claim the group's next delivery; None if none may be sent now."""
    with _claiming[group]:
        while True:
            flights = in_flight()
            row = next_ready(group, flights)
            if row is None:
                return None
            taken = {each["flight"] for each in flights}
            more = range(2, MAX_PER_LANE[group] + 1)
            places = [row["lane"], *(f"{row['lane']} {n}" for n in more)]
            place = next(each for each in places if each not in taken)
            try:
                found = WebhookDelivery.claim(
                    {"_id": row["_id"], **READY},
                    LEASE,
                    {
                        "$set": {"flight": place},
                        "$inc": {"tries": 1},
                        "$unset": {"ready_at": ""},
                    },
                )
            except DuplicateKeyError:
                continue  # another process has taken the place
            if found is not None:
                _last_lane[group] = row["lane"]
                return found


def in_flight() -> list[dict]:
    """The deliveries in flight."""
    fields = dict.fromkeys(("flight", "customer", "slow", "untried"), 1)
    where = {"flight": {"$exists": True}}
    return list(WebhookDelivery.collection().find(where, fields, hint="flight"))


def next_ready(group: str, flights: Sequence[Mapping]) -> dict | None:
    """Find the group's next delivery that may be sent besides those in flight."""
    full = Full.of(group, flights)
    where = {**READY, **FILTERS[group], "customer": {"$nin": full.customers}}
    # Apart from the names of lanes: with patterns among these no index bounds them.
    where |= {"$and": [{"lane": {"$nin": full.hosts}}], **KNOWN_KIND}
    for after in (_last_lane[group], ""):
        while True:
            lanes = {"lane": {"$gt": after, "$nin": full.lanes}}
            row = WebhookDelivery.collection().find_one(
                {**where, **lanes}, {"lane": 1}, sort=IN_TURN, hint="turns"
            )
            if row is None:
                break
            owner, _, _ = row["lane"].partition(" ")
            if owner not in full.owners:
                return row
            after = f"{owner}!"  # which follows the space before each host
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
        update_address(delivery, attempt)
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
            limit=timeout_of(delivery),
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


def timeout_of(delivery: WebhookDelivery) -> float:
    """Seconds for an attempt."""
    others = {**READY, **FILTERS[UNTRIED], "lane": {"$ne": delivery.lane}}
    if (
        delivery.untried
        and not delivery.once
        and WebhookDelivery.find_ids(others, limit=1, hint="turns")
    ):
        return FIRST_TIMEOUT_S
    return ATTEMPT_TIMEOUT_S


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


def update_address(delivery: WebhookDelivery, attempt: Attempt) -> None:
    """Move what waits in the delivery's lane to the group that its result calls for."""
    answers = attempt.outcome == DELIVERED
    if delivery.slow is not answers and not delivery.untried:
        return  # it is there
    changes = {"user_id": delivery.lane.partition(" ")[0], "answers": answers}
    WebhookAddress.collection().update_one(
        {"_id": delivery.lane}, {"$set": {**changes, "since": utcnow()}}, upsert=True
    )
    WebhookDelivery.collection().update_many(
        {"lane": delivery.lane, "state": PENDING},
        {"$set": {"slow": not answers}, "$unset": {"untried": ""}},
        hint="pending",
    )


def update_endpoint(
    endpoint: WebhookEndpoint, delivery: WebhookDelivery, attempt: Attempt
) -> None:
    """Update the endpoint's health; disable one that keeps failing."""
    endpoints, mine = WebhookEndpoint.collection(), {"_id": endpoint.id}
    if attempt.outcome == DELIVERED:
        if endpoint.failures or endpoint.failing_since:
            gone = {"failing_since": "", "failure": ""}
            endpoints.update_one(mine, {"$set": {"failures": 0}, "$unset": gone})
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
                        "failure": {"$literal": failure},
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
                is_gone = attempt.outcome == RECEIVER_GONE
                disable(endpoint, delivery, RECEIVER_GONE if is_gone else FAILING)


def disable(endpoint: WebhookEndpoint, delivery: WebhookDelivery, why: str) -> None:
    """Disable an endpoint until its owner enables it again."""
    WebhookEndpoint.collection().update_one(
        {"_id": endpoint.id, "disabled": {"$exists": False}},
        {"$set": {"disabled": why, "updated_at": utcnow()}},
    )
    log.warning("webhook disabled %s why=%s", names_of(delivery), why)
