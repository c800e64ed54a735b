"""The user's time zone, and durations as text."""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flask import request

from jimeng.billing import costs
from jimeng.i18n import t
from jimeng.web import bp

COOKIE = "zone"  # set by a script from the browser's time zone
NAME = re.compile(r"[A-Za-z0-9_+-]{1,32}(/[A-Za-z0-9_+-]{1,32}){0,2}", re.ASCII)
# Most users are in China, which has one time zone.
HOME = "Asia/Shanghai"
HOME_OFFSET = timezone(timedelta(hours=8))


def zone() -> tzinfo:
    """The time zone of this request's browser; China's until the cookie is set."""
    name = request.cookies.get(COOKIE, "")
    return named(name if NAME.fullmatch(name) else HOME)


def named(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        # A directory's name, an unknown zone, or a system without the database.
        return HOME_OFFSET


def today(where: tzinfo) -> date:
    return datetime.now(where).date()


def day_of(text: str) -> date | None:
    """A date as in a form; None if there is none, or it is not valid."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    # Years in which a day has neighbours in every time zone.
    return day if 1970 <= day.year <= 9000 else None


def start_of(day: date, where: tzinfo) -> datetime:
    """The beginning of a day, in UTC."""
    return datetime.combine(day, time.min, where).astimezone(UTC)


bp.add_app_template_filter(costs.yuan, "amount")  # in yuan, without the sign


@bp.app_template_filter("yuan")
def yuan(micros: int) -> str:
    """An amount in micro-yuan, exactly, with at least two decimals."""
    return f"¥{costs.yuan(micros)}"


@bp.app_template_filter("yuan_short")
def yuan_short(micros: int) -> str:
    """The same, rounded to the fen where there is at least one."""
    return f"¥{costs.yuan_short(micros)}"


@bp.app_template_filter("clock")
def clock(seconds: float) -> str:
    """The length of a video, as players show it: 0:05."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"


@bp.app_template_filter("duration")
def spoken(seconds: float) -> str:
    """A duration in whole seconds; in minutes from 100 s, in hours from one hour."""
    whole = round(seconds)
    if whole < 100:
        return t("duration.seconds", n=whole)
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return t("duration.minutes", m=minutes, s=f"{rest:02}")
    return t("duration.hours", h=minutes // 60, m=minutes % 60)


@bp.app_template_filter("duration_about")
def spoken_roughly(seconds: float) -> str:
    """An estimate, in steps of five seconds, or above 95 s in whole minutes."""
    if seconds <= 95:
        return spoken(-(-seconds // 5) * 5)
    minutes = round(seconds / 60)
    if minutes < 60:
        return t("duration.about_minutes", m=minutes)
    return spoken(minutes * 60)


@bp.app_template_filter("duration_exact")
def spoken_exactly(seconds: float) -> str:
    """A duration, with tenths of a second below ten."""
    return (
        t("duration.seconds", n=f"{seconds:.1f}") if seconds < 10 else spoken(seconds)
    )
