"""Times in the reader's zone, which is what a day means to them; and how long."""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flask import request

from jimeng.i18n import t
from jimeng.web import bp

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


@bp.app_template_filter("duration")
def spoken(seconds: float) -> str:
    """Whole seconds; from 100 on in minutes, from an hour on in hours."""
    whole = round(seconds)
    if whole < 100:
        return t("duration.seconds", n=whole)
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return t("duration.minutes", m=minutes, s=f"{rest:02}")
    return t("duration.hours", h=minutes // 60, m=minutes % 60)


@bp.app_template_filter("duration_about")
def spoken_roughly(seconds: float) -> str:
    """In steps of five seconds, or, beyond 95, in whole minutes; for estimates."""
    if seconds <= 95:
        return spoken(-(-seconds // 5) * 5)
    minutes = round(seconds / 60)
    if minutes < 60:
        return t("duration.about_minutes", m=minutes)
    return spoken(minutes * 60)


@bp.app_template_filter("duration_exact")
def spoken_exactly(seconds: float) -> str:
    """The same, with tenths of a second below ten."""
    return (
        t("duration.seconds", n=f"{seconds:.1f}") if seconds < 10 else spoken(seconds)
    )
