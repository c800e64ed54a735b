"""Limit failed sign-ins: count them by client network, account, or known device."""

import hashlib
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address, ip_network

from jimeng.documents import Attempts, best_effort, utcnow
from jimeng.errors.access import SignInFailed, TooManyAttempts

PERIOD = timedelta(minutes=15)
# Failures within `PERIOD`. An address may be shared by an office, so it has more.
MAX_BY_ACCOUNT, MAX_BY_ADDRESS, MAX_BY_SITE = 10, 50, 500
MAX_CODES = 5  # failed codes; three of a million codes are valid at a time
SHARED = frozenset({"address", "site"})  # counters that other users share
NETWORK, SITE = 64, 48  # bits of an IPv6 address


@dataclass(frozen=True)
class Counter:
    """
    Attributes:
        of: The counted subject, such as an address; stored as a hash.
        limit: Failures after which attempts are refused.
    """

    kind: str
    of: str
    limit: int

    @property
    def id(self) -> str:
        return f"{self.kind}:{hashlib.sha256(self.of.encode()).hexdigest()[:32]}"


def of_address(address: str) -> list[Counter]:
    """Build counters of a client's network and, for IPv6, its site of 2^16 networks."""
    near = Counter("address", network_of(address), MAX_BY_ADDRESS)
    site = network_of(address, SITE)
    if site == near.of:
        return [near]
    return [near, Counter("site", site, MAX_BY_SITE)]


def of_account(email_key: str) -> Counter:
    return Counter("account", email_key, MAX_BY_ACCOUNT)


def of_device(device: str, user_id: str) -> Counter:
    """Build the counter of a browser that the user has signed in with before."""
    return Counter("device", f"{device} {user_id}", MAX_BY_ACCOUNT)


def of_confirmation(user_id: str) -> Counter:
    """Build the counter of password confirmations by a signed-in user."""
    return Counter("confirmation", user_id, MAX_BY_ACCOUNT)


def of_code(user_id: str) -> Counter:
    """
    Build the counter of codes that follow a correct password, so that strangers cannot
    exhaust it.
    """
    return Counter("code", user_id, MAX_CODES)


def network_of(address: str, bits: int = NETWORK) -> str:
    """
    Return a client's network: the IPv4 address, or the IPv6 prefix, since one customer
    has at least 2^64 addresses.
    """
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return address  # for example of a Unix socket
    if ip.version == 4:
        return str(ip)
    return str(ip.ipv4_mapped or ip_network((ip, bits), strict=False))


@contextmanager
def attempt(*counters: Counter) -> Iterator[None]:
    """
    Count an attempt before it is checked, so that parallel attempts cannot bypass the
    limit.

    After `SignInFailed` it stays counted. Success resets the counters, except for
    shared ones, which only lose this attempt. After any other error, which reveals
    nothing about the password, this attempt is uncounted.

    Args:
        counters: Checked in order; once one is exceeded, later ones are not counted:
            a refused address cannot lock an account.

    Raises:
        TooManyAttempts: with the seconds until the counter resets.
    """
    counted: list[Counter] = []
    undo = _uncount
    try:
        for counter in counters:
            _count(counter)
            counted.append(counter)
        yield
        undo = _reset
    except SignInFailed:
        counted.clear()
        raise
    finally:
        with best_effort("attempts"):
            for counter in counted:
                undo(counter)


def _count(counter: Counter) -> None:
    now = utcnow()
    anew = {"$lte": [{"$ifNull": ["$expires_at", now]}, now]}
    found = Attempts.find_and_modify(
        {"_id": counter.id},
        [
            {
                "$set": {
                    "count": {"$cond": [anew, 1, {"$add": ["$count", 1]}]},
                    "expires_at": {"$cond": [anew, now + PERIOD, "$expires_at"]},
                }
            }
        ],
        upsert=True,
    )
    if found and found.count > counter.limit:
        remaining_s = math.ceil((found.expires_at - now).total_seconds())
        minutes = math.ceil(remaining_s / 60)
        raise TooManyAttempts(counter.kind, retry_after=remaining_s, minutes=minutes)


def _uncount(counter: Counter) -> None:
    some = {"_id": counter.id, "count": {"$gt": 0}}
    Attempts.collection().update_one(some, {"$inc": {"count": -1}})


def _reset(counter: Counter) -> None:
    if counter.kind in SHARED:
        _uncount(counter)
    else:
        Attempts.collection().delete_one({"_id": counter.id})
