"""Wrong passwords are counted: by address, account, or browser they come from."""

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
# Failures within `PERIOD`. An address may stand for an office, so it has more.
MAX_BY_ACCOUNT, MAX_BY_ADDRESS, MAX_BY_SITE = 10, 50, 500
MAX_CODES = 5  # of a million, three are right at a time
SHARED = frozenset({"address", "site"})  # what they stand for may be others', too
NETWORK, SITE = 64, 48  # bits of an IPv6 address


@dataclass(frozen=True)
class Counter:
    """
    Attributes:
        of: What is counted for, which is nobody's to read: it is stored as a hash.
        most: Failures before the next is not looked at.
    """

    kind: str
    of: str
    most: int

    @property
    def id(self) -> str:
        return f"{self.kind}:{hashlib.sha256(self.of.encode()).hexdigest()[:32]}"


def of_address(address: str) -> list[Counter]:
    """The address, and of IPv6 also the site: it may have 65,536 networks."""
    near = Counter("address", neighbourhood(address), MAX_BY_ADDRESS)
    site = neighbourhood(address, SITE)
    if site == near.of:
        return [near]
    return [near, Counter("site", site, MAX_BY_SITE)]


def of_account(email_key: str) -> Counter:
    return Counter("account", email_key, MAX_BY_ACCOUNT)


def of_device(device: str, user_id: str) -> Counter:
    """A browser that the user has signed in with before."""
    return Counter("device", f"{device} {user_id}", MAX_BY_ACCOUNT)


def of_confirmation(user_id: str) -> Counter:
    """Somebody who is signed in writes the password once more."""
    return Counter("confirmation", user_id, MAX_BY_ACCOUNT)


def of_code(user_id: str) -> Counter:
    """Codes after a right password: nobody else can count here."""
    return Counter("code", user_id, MAX_CODES)


def neighbourhood(address: str, bits: int = NETWORK) -> str:
    """
    Whom attempts are counted for: an IPv4 address, or what a customer has of IPv6,
    which is 2^64 addresses at least.
    """
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return address  # of a socket of Unix, for instance
    if ip.version == 4:
        return str(ip)
    return str(ip.ipv4_mapped or ip_network((ip, bits), strict=False))


@contextmanager
def attempt(*counters: Counter) -> Iterator[None]:
    """
    Count a try before it is made, so that many at once are no way around.

    It stays counted where it ends with `SignInFailed`. Where it succeeds it is
    forgotten, with those before it, but for the address, which may be another's too;
    after anything else, which tells nothing of the password, as well.

    Args:
        counters: Once one is over, those behind it count nothing: nobody locks an
            account from an address that is refused.

    Raises:
        TooManyAttempts: with the seconds until the counter begins anew.
    """
    taken: list[Counter] = []
    forget = _give_back
    try:
        for counter in counters:
            _take(counter)
            taken.append(counter)
        yield
        forget = _forget
    except SignInFailed:
        taken.clear()
        raise
    finally:
        with best_effort("attempts"):
            for counter in taken:
                forget(counter)


def _take(counter: Counter) -> None:
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
    if found and found.count > counter.most:
        left = math.ceil((found.expires_at - now).total_seconds())
        minutes = math.ceil(left / 60)
        raise TooManyAttempts(counter.kind, retry_after=left, minutes=minutes)


def _give_back(counter: Counter) -> None:
    some = {"_id": counter.id, "count": {"$gt": 0}}
    Attempts.collection().update_one(some, {"$inc": {"count": -1}})


def _forget(counter: Counter) -> None:
    if counter.kind in SHARED:
        _give_back(counter)
    else:
        Attempts.collection().delete_one({"_id": counter.id})
