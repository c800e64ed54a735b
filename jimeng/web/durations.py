"""How long something takes, in words."""

from jimeng.i18n import t
from jimeng.web import bp


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
