"""The reader's time zone, which is what a day means to them."""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flask import request

COOKIE = "zone"  # set by a script, which asks the browser
NAME = re.compile(r"[A-Za-z0-9_+-]{1,32}(/[A-Za-z0-9_+-]{1,32}){0,2}", re.ASCII)
# Where most readers are, and the whole country has one time.
HOME = "Asia/Shanghai"
HOME_OFFSET = timezone(timedelta(hours=8))


def zone() -> tzinfo:
    """The zone of this request's browser; China's until that has told."""
    given = request.cookies.get(COOKIE, "")
    return named(given if NAME.fullmatch(given) else HOME)


def named(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        # The name of a folder, of nothing, or a system without the tables.
        return HOME_OFFSET


def today(where: tzinfo) -> date:
    return datetime.now(where).date()


def start_of(day: date, where: tzinfo) -> datetime:
    """The moment, in UTC, at which a day begins."""
    return datetime.combine(day, time.min, where).astimezone(UTC)
