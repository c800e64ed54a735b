"""API keys: 256 random bits, stored as a hash, shown once."""

import logging
import re
import secrets
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from jimeng import jobs, limits
from jimeng.accounts import key_cache, users
from jimeng.accounts.users import yuan_or_none
from jimeng.billing.costs import billing_day
from jimeng.billing.counters import raise_to_count
from jimeng.documents import ApiKey, User, indexes, utcnow
from jimeng.documents.credentials import WITH_OWNERS, digest
from jimeng.documents.principal import (
    KEY_INTERFACES,
    SCOPES,
    Customers,
    KeyUse,
    Principal,
    begins_with,
    recorded_on_behalf,
)
from jimeng.errors import Invalid
from jimeng.errors.access import ApiKeyInvalid, ApiKeyNotFound

log = logging.getLogger(__name__)

PREFIX = "jm_"
# Limit -> its field.
LIMIT_FIELDS = {"tasks_per_minute": "per_minute", "pictures_per_day": "per_day"}
SHOWN_CHARS = 10  # length of the displayed prefix, which identifies a key
MAX_KEYS = 50  # per user
MAX_KEY_CHARS = 100  # longer keys are invalid
# Of users that a key acts for. The ids of user records have no colon.
USER_PREFIX = re.compile(r"[A-Za-z0-9_.@:-]{1,31}:")
USE_STEP = timedelta(minutes=1)  # between two updates of a key's last use


def create_key(
    principal: Principal,
    user_id: str,
    *,
    name: str,
    scopes: list[str] | None = None,
    expires_at: datetime | None = None,
    doors: Collection[str] = (),
    models: Sequence[str] = (),
    tasks_per_minute: int | None = None,
    pictures_per_day: int | None = None,
    daily_budget_micros: int | None = None,
    monthly_budget_micros: int | None = None,
    requests_per_minute: int | None = None,
    user_prefix: str | None = None,
) -> tuple[ApiKey, str]:
    """
    Create a key for a user.

    Args:
        scopes: Some of `SCOPES`; by default read and write.
        expires_at: None for never or, if the principal uses a key, that key's expiry:
            no key outlives its creator.
        doors: Interfaces, some of `KEY_INTERFACES`; empty for all.
        models: Names of models; empty for all.
        tasks_per_minute: None for the user's own limit; *pictures_per_day* and
            the budgets likewise.
        requests_per_minute: None for the server's limit; only an operator sets it.
        user_prefix: Prefix of the ids of users that a key with ``act_for`` acts for.

    Returns:
        The record, and the key itself, which cannot be read again.

    Raises:
        ScopeTooSmall: the principal's key lacks the scope.
        AdminsOnly: there is a limit of requests, and the principal is not an operator.
        UserNotFound: as in `users.find`.
        Invalid: a scope that the caller or the user does not have, an expiry that is
            past or beyond the caller's own key, too many keys, limits as in
            `limit_fields`, a prefix without ``act_for`` or vice versa, or one that
            overlaps a prefix of another user's keys.
    """
    principal.require_account("a new key")
    user = users.find(principal, user_id)
    wanted = check_scopes(principal, user, scopes)
    acts_for = "act_for" in wanted
    is_prefix = USER_PREFIX.fullmatch(user_prefix or "")
    if acts_for != (user_prefix is not None) or (acts_for and not is_prefix):
        raise Invalid.field("user_prefix", "invalid.user_prefix")
    amounts = {
        "per_minute": tasks_per_minute,
        "per_day": pictures_per_day,
        "daily_budget_micros": daily_budget_micros,
        "monthly_budget_micros": monthly_budget_micros,
        "requests_per_minute": requests_per_minute,
    }
    if requests_per_minute is not None:
        principal.require_operator("a key's limit of requests")
    fields = limit_fields(wanted, doors, models, amounts)
    end = principal.key_ends_at
    if expires_at is not None and expires_at <= utcnow():
        raise Invalid.field("expires_at", "invalid.past")
    if end is not None and expires_at is not None and expires_at > end:
        raise Invalid.field("expires_at", "invalid.scope_beyond")
    indexes.require(indexes.API_KEYS, fresh=True)
    text = PREFIX + secrets.token_urlsafe(32)
    key = ApiKey(
        user_id=user.id,
        name=name,
        prefix=text[:SHOWN_CHARS],
        sha256=digest(text),
        scopes=wanted,
        expires_at=expires_at or end,
        user_prefix=user_prefix,
        **fields,
    )
    with recorded_on_behalf(principal, user.id, "keys.create", key=key.prefix):
        reject_overlap(key)  # not even for a moment does it get another's customers
        if not key.insert_with_limit(MAX_KEYS):
            raise Invalid.field("name", "invalid.too_many_keys", max=MAX_KEYS)
        try:
            reject_overlap(key)  # of those created at the same time, at most one stays
        except Invalid:
            ApiKey.collection().delete_one({"_id": key.id})
            raise
        if key.user_prefix:
            keep_prefix(key)
            key_cache.access_changed()  # keys are cached with their user's prefixes
    if requests_per_minute is not None:
        limits.remember_request_limit(key.sha256, requests_per_minute)
    log.info("key created key=%s user=%s by=%s", key.id, user.id, principal.user_id)
    return key, text


def reject_overlap(key: ApiKey) -> None:
    """
    Raises:
        Invalid: another user has a key for some of the same customers, or had one:
            their tasks are still there.
    """
    prefix = key.user_prefix
    if prefix is None:
        return
    shorter = [prefix[:end] for end in range(1, len(prefix))]
    overlaps = {"$in": [*shorter, begins_with(prefix)]}
    other = ApiKey.find_one({"user_prefix": overlaps, "user_id": {"$ne": key.user_id}})
    if other is not None:
        raise Invalid.field(
            "user_prefix",
            "invalid.prefix_taken",
            prefix=other.user_prefix,
            title=other.name,
            user=other.user_id,
        )
    owner = User.find_one({"user_prefixes": overlaps, "_id": {"$ne": key.user_id}})
    if owner is not None:
        raise Invalid.field("user_prefix", "invalid.prefix_owned", user=owner.id)


def keep_prefix(*keys: ApiKey) -> None:
    """Let the prefixes of keys stay their user's, also when the keys are revoked."""
    for key in keys:
        if key.user_prefix:
            mine = {"$addToSet": {"user_prefixes": key.user_prefix}}
            User.collection().update_one(
                {"_id": key.user_id},
                {**mine, "$unset": {"named_at": "", "tasks_named_at": ""}},
            )


def change_limits(
    principal: Principal,
    user_id: str,
    key_id: str,
    **wanted: int | None,
) -> ApiKey:
    """
    Set the limits of a key. They apply from the next request on; what was done and
    spent before counts.

    Args:
        wanted: Some of ``tasks_per_minute``, ``pictures_per_day``, the budgets and
            ``requests_per_minute`` of `create_key`: None for its user's limit alone, or
            the server's; omitted ones stay as they are.

    Raises:
        ScopeTooSmall: the principal's key lacks the scope.
        AdminsOnly: as in `create_key`.
        UserNotFound: as in `users.find`.
        ApiKeyNotFound: the user has no such key.
        Invalid: the key can create keys, so that it cannot be limited.
    """
    principal.require_account("a key's limits")
    user = users.find(principal, user_id)
    where = {"_id": key_id, "user_id": user.id}
    found = ApiKey.find_one(where)
    if found is None:
        raise ApiKeyNotFound(f"key {key_id[:64]!r} of user {user.id}")
    if not wanted:
        return found
    if "requests_per_minute" in wanted:
        principal.require_operator("a key's limit of requests")
    limit_fields(found.scopes, (), (), wanted)
    fields = {LIMIT_FIELDS.get(name, name): most for name, most in wanted.items()}
    gone = {name: "" for name, most in fields.items() if most is None}
    limited = {name: most for name, most in fields.items() if most is not None}
    update = {
        name: each for name, each in (("$set", limited), ("$unset", gone)) if each
    }
    told = {
        name.removesuffix("_micros"): yuan_or_none(most)
        if name.endswith("_micros")
        else most
        for name, most in wanted.items()
    }
    with recorded_on_behalf(
        principal, user.id, "keys.update", key=found.prefix, **told
    ):
        # Releases before this one counted nothing for a key without a budget.
        raise_to_count(ApiKey, key_id, billing_day(utcnow()))
        changed = ApiKey.find_and_modify(where, update)
        key_cache.access_changed()
        if changed is None:
            raise ApiKeyNotFound(f"key {key_id[:64]!r} of user {user.id}")
    if "requests_per_minute" in wanted:
        limits.remember_request_limit(changed.sha256, changed.requests_per_minute)
    log.info("key changed key=%s user=%s by=%s", key_id, user.id, principal.user_id)
    return changed


def limit_fields(
    scopes: list[str],
    doors: Collection[str],
    models: Sequence[str],
    amounts: Mapping[str, int | None],
) -> dict:
    """
    Validate a key's limits, and return its fields.

    Args:
        amounts: Field -> limit; None for no limit.

    Raises:
        Invalid: there is no such interface or model, or the scopes would bypass the
            limits: a key that can create keys cannot be limited.
    """
    narrow = doors or models or any(amounts.values()) or "act_for" in scopes
    if narrow and {"account", "admin"} & set(scopes):
        raise Invalid.field("scopes", "invalid.limited_scopes")
    if not narrow:
        return {}
    if set(doors) - set(KEY_INTERFACES):
        raise Invalid.field("doors", "invalid.choice", known=", ".join(KEY_INTERFACES))
    known_before = {"api" if each == "ark" else each for each in doors}
    registry = jobs.runtime().registry
    try:
        ids = [registry.model(name, makes=None).id for name in models]
    except Invalid as error:
        raise Invalid({"models": error.fields["model"]}) from error
    return {
        "interfaces": [each for each in KEY_INTERFACES if each in doors],
        "doors": [each for each in KEY_INTERFACES if each in known_before],
        "models": [*dict.fromkeys(ids)],
        **amounts,
    }


def check_scopes(
    principal: Principal, user: User, scopes: list[str] | None
) -> list[str]:
    """
    Check the scopes of a new key.

    Raises:
        Invalid: a scope that the caller does not have, or the user cannot have.
    """
    wanted = set(scopes if scopes is not None else ["read", "write"])
    if not wanted or wanted - set(SCOPES):
        raise Invalid.field("scopes", "invalid.choice", known=", ".join(SCOPES))
    may = principal.scopes | ({"account"} if "admin" in principal.scopes else set())
    # Only operators may grant access to other users.
    may = may | {"act_for"} if principal.is_operator else may - {"act_for"}
    beyond = wanted - may
    if beyond or ("admin" in wanted and user.role != "admin"):
        raise Invalid.field("scopes", "invalid.scope_beyond")
    return [scope for scope in SCOPES if scope in wanted]


def list_keys(principal: Principal, user_id: str) -> list[ApiKey]:
    """
    List the keys of a user, newest first.

    Raises:
        UserNotFound: as in `users.find`.
    """
    user = users.find(principal, user_id)
    return ApiKey.find_all({"user_id": user.id}, sort=[("created_at", -1)])


def revoke_key(principal: Principal, user_id: str, key_id: str) -> None:
    """
    Revoke a key: requests with it are refused from now on.

    Raises:
        UserNotFound: as in `users.find`.
        ApiKeyNotFound: the user has no such key.
    """
    user = users.find(principal, user_id)
    with recorded_on_behalf(principal, user.id, "keys.revoke", key=key_id[:64]):
        keep_prefix(*ApiKey.find_all({"_id": key_id, "user_id": user.id}))
        gone = ApiKey.collection().delete_one({"_id": key_id, "user_id": user.id})
        key_cache.access_changed()
        if not gone.deleted_count:
            raise ApiKeyNotFound(f"key {key_id[:64]!r} of user {user.id}")
    log.info("key revoked key=%s user=%s by=%s", key_id, user.id, principal.user_id)


def revoke_keys(principal: Principal, user_id: str) -> int:
    """
    Revoke all keys of a user; return how many.

    Raises:
        UserNotFound: as in `users.find`.
    """
    user = users.find(principal, user_id)
    with recorded_on_behalf(principal, user.id, "keys.revoke") as outcome:
        keep_prefix(*ApiKey.find_all({"user_id": user.id}))
        gone = ApiKey.collection().delete_many({"user_id": user.id}).deleted_count
        key_cache.access_changed()
        outcome["n"] = gone
    log.info("keys revoked user=%s by=%s n=%d", user.id, principal.user_id, gone)
    return gone


def user_of_key(text: str, mark: bytes | None = None) -> tuple[ApiKey, User, KeyUse]:
    """
    Find the record of the key *text*, its user, and its limits; record the use.

    The key is looked up by its hash, so that timing reveals nothing about a guess.

    Args:
        mark: As in `key_cache.get_cached`.

    Raises:
        ApiKeyInvalid: unknown, revoked, expired, or its user is disabled.
    """
    hashed = digest(text)
    found = key_cache.get_cached(hashed, mark)
    if found is None:
        found = _look_up(text, hashed)
        key_cache.put(hashed, mark, *found)
    key, user, use = found
    now = utcnow()
    check_usable(key, user, now)
    if key.last_used_at is None or key.last_used_at < now - USE_STEP:
        ApiKey.collection(durable=False).update_one(
            {"_id": key.id}, {"$set": {"last_used_at": now}}
        )
        key.last_used_at = now
    return key, user, use


def use_of(key: ApiKey, user: User | None = None) -> KeyUse:
    """
    The key's limits, and whom it acts for.

    Args:
        user: Its owner, whose customers it sees even if it acts for nobody.
    """
    prefixes = (key.user_prefix,) if key.user_prefix else ()
    if user is not None and not prefixes:
        prefixes = (*user.user_prefixes,)
    return KeyUse(
        key.id,
        key.user_id,
        frozenset(key.models),
        key.per_minute or None,
        key.per_day or None,
        key.user_prefix or "",
        key.budgets,
        customers_of(key.user_id, prefixes),
        limits_customers=user is None or bool(user.limits_customers),
    )


def customers_of(user_id: str, prefixes: Sequence[str]) -> Customers:
    """The customers with these prefixes of the user's."""
    foreign = (each.user_prefix or "" for each in foreign_keys(user_id, prefixes))
    return Customers((*prefixes,), (*foreign,))


def foreign_keys(user_id: str, prefixes: Sequence[str]) -> list[ApiKey]:
    """
    Keys of other shops for some of the customers with these prefixes of the user's, one
    for each prefix: no key of the user acts for those customers.

    Older data may have prefixes that overlap. A customer belongs to the owner of the
    longest one; of equal ones, to the owner of the oldest key.
    """
    if not prefixes:
        return []
    oldest = ApiKey.by_user_prefix({"$in": [*map(begins_with, prefixes)]})
    return [each for each in oldest.values() if each.user_id != user_id]


def check_usable(key: ApiKey, user: User, now: datetime) -> None:
    """
    Check that a key may be used at *now*.

    Raises:
        ApiKeyInvalid: the key has expired, or its user is disabled.
    """
    if key.expires_at and key.expires_at <= now:
        raise ApiKeyInvalid(f"key {key.id} has expired")
    if user.disabled_at:
        raise ApiKeyInvalid(f"key {key.id}: its user is disabled")


def scopes_of(key: ApiKey, user: User) -> frozenset[str]:
    """Return the effective scopes: ``admin`` only while the key's user is an admin."""
    return frozenset(key.scopes) - (set() if user.role == "admin" else {"admin"})


def current_scopes(key_ids: Collection[str]) -> dict[str, frozenset[str]]:
    """Return the effective scopes of keys, by id; invalid keys are omitted."""
    wanted = {"$match": {"_id": {"$in": list(key_ids)}}}
    found, now = {}, utcnow()
    for row in ApiKey.collection().aggregate([wanted, WITH_OWNERS]):
        key = ApiKey.read(row)
        for user in User.read_all(row["owners"]):  # at most one
            with suppress(ApiKeyInvalid):
                check_usable(key, user, now)
                found[key.id] = scopes_of(key, user)
    return found


def _look_up(text: str, hashed: str) -> tuple[ApiKey, User, KeyUse]:
    row = None
    if text.startswith(PREFIX) and len(text) <= MAX_KEY_CHARS:
        both = [{"$match": {"sha256": hashed}}, WITH_OWNERS]  # in one read
        row = next(ApiKey.collection().aggregate(both), None)
    if row is None:
        raise ApiKeyInvalid("no such key")
    if not row["owners"]:
        raise ApiKeyInvalid(f"key {row['_id']}: its user is gone")
    key, user = ApiKey.read(row), User.read(row["owners"][0])
    if key.requests_per_minute is not None:
        limits.remember_request_limit(key.sha256, key.requests_per_minute)
    use = use_of(key, user)
    known = {"", *user.user_prefixes, *use.customers.foreign}
    if use.user_prefix not in known:  # a key of an earlier release
        keep_prefix(key)
        user.user_prefixes.append(use.user_prefix)
    return key, user, use
