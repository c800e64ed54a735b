"""Parse and validate the text of settings."""

import re
from collections.abc import Callable
from dataclasses import field
from itertools import pairwise
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pymongo.errors import PyMongoError
from pymongo.uri_parser import parse_uri

NAME = re.compile(r"[\w\-]{1,63}", re.ASCII)
PRINTABLE = re.compile(r"[^\x00-\x1f\x7f]{1,256}")
SHORTEST_SECRET = 32  # characters
# Words that indicate a placeholder: six characters or more, since random secrets may
# contain shorter ones.
PLACEHOLDERS = re.compile(
    "secret|password|passwd|change[-_ ]?me|example|default|qwerty|asdfgh|zxcvbn|letmein"
    "|django|flask[-_ ]|jimeng|development|production|admin[-_ ]|insecure",
    re.IGNORECASE,
)
PLAIN_REDIS = re.compile(
    r"rediss?://([\w\-]*:[\w\-]*@)?[\w.\-]+(:\d{1,4}|:[1-5]\d{4})?(/\d*)?", re.ASCII
)
EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
BUCKET = re.compile(r"[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9]")
PREFIX = re.compile(r"[\w.\-/]{1,200}", re.ASCII)
ORIGIN = re.compile(r"[a-z][a-z\d+.\-]*://[\w.\-]+(:\d{1,5})?", re.ASCII)
YUAN = re.compile(r"(\d{1,6})(?:\.(\d{1,6}))?", re.ASCII)
ADDRESS = re.compile(r"([\w.\-]+|\[[\da-fA-F:.]+\])(:\d{1,5})?", re.ASCII)


def parse_bool(text: str) -> bool:
    values = {"1": True, "true": True, "yes": True, "on": True}
    values |= {"0": False, "false": False, "no": False, "off": False}
    try:
        return values[text.strip().lower()]
    except KeyError:
        raise ValueError("must be 1 or 0") from None


def parse_list(text: str) -> tuple[str, ...]:
    return tuple(part.strip().lower() for part in text.split(",") if part.strip())


def parse_origins(text: str) -> tuple[str, ...]:
    origins = parse_list(text)
    if not all(map(ORIGIN.fullmatch, origins)):
        raise ValueError(
            "must be origins such as https://shop.example.com, without a path, "
            "separated by commas"
        )
    return origins


def parse_names(text: str) -> tuple[str, ...]:
    """Parse ``name=model, …`` into ``name=model`` items, with lower-case names."""
    rows = []
    for part in filter(None, (each.strip() for each in text.split(","))):
        name, sign, model = (each.strip() for each in part.partition("="))
        if not (name and sign and model):
            raise ValueError("must be name=model, separated by commas")
        rows.append(f"{name.lower()}={model}")
    return tuple(rows)


def parse_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be an http or https URL")
    return text.rstrip("/")


def parse_mongodb_uri(text: str) -> str:
    try:
        if not text.startswith("mongodb+srv://"):  # parsing that would query the DNS
            parse_uri(text, warn=True)
    except (PyMongoError, ValueError):
        # The driver's message is dropped: it may quote the password.
        raise ValueError(
            "must be a mongodb:// or mongodb+srv:// URI, with user name and "
            "password percent-encoded"
        ) from None
    return text


def parse_redis_url(text: str) -> str:
    if PLAIN_REDIS.fullmatch(text):
        return text
    # Imported for unusual URLs only: it takes as long as all other settings together,
    # also in processes that never use Redis.
    from redis import connection as redis_connection

    try:
        redis_connection.parse_url(text)
    except ValueError:
        raise ValueError("must be a redis://, rediss:// or unix:// URL") from None
    return text


def matching(pattern: re.Pattern[str], description: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not pattern.fullmatch(text):
            # Without the value: it may contain a password, which would be logged.
            raise ValueError(f"must be {description}")
        return text

    return parse


def is_guessable(text: str) -> bool:
    """Whether a secret repeats itself, counts up or down, or contains words."""
    steps = [abs(ord(a) - ord(b)) for a, b in pairwise(text)]
    counts = sum(step <= 1 for step in steps) > 0.6 * len(steps)
    return text in (text + text)[1:-1] or counts or bool(PLACEHOLDERS.search(text))


def parse_secret_key(text: str) -> str:
    if len(text) < SHORTEST_SECRET or len(set(text)) < 8 or is_guessable(text):
        raise ValueError(
            f"must be {SHORTEST_SECRET} random characters or more, as "
            '`python -c "import secrets; print(secrets.token_hex(32))"` prints'
        )
    return text


def parse_timezone(text: str) -> str:
    if text not in available_timezones():
        raise ValueError("must be a time zone such as Asia/Shanghai or UTC")
    return text


def parse_yuan(text: str) -> int:
    """Parse an amount in yuan, exactly, into millionths of a yuan."""
    found = YUAN.fullmatch(text.strip())
    if found is None:
        raise ValueError("must be yuan, such as 0.22, with at most six decimals")
    return int(found[1]) * 1_000_000 + int((found[2] or "").ljust(6, "0"))


def between(
    low: float, high: float, kind: Callable[[str], float]
) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            raise ValueError(f"must be a number, not {text!r}") from None
        if not low <= value <= high:
            raise ValueError(f"must be {low:g} to {high:g}, not {text}")
        return value

    return parse


def one_of(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text.lower() not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return text.lower()

    return parse


def setting(
    default: object,
    parse: Callable = str,
    *,
    secret: bool = False,
    credential: bool = False,
    per_account: bool = False,
):
    """
    Declare a setting: its default, and the parser of its text.

    Args:
        secret: Mask its value in all output.
        credential: It enables a provider.
        per_account: Each account may have its own value.
    """
    about = {"parse": parse, "credential": credential, "per_account": per_account}
    return field(default=default, repr=not secret, metadata=about)


def key(*, credential: bool = False):
    """Declare a secret setting of which each account has its own value."""
    return setting("", secret=True, credential=credential, per_account=True)
