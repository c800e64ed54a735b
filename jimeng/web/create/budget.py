"""The remaining budget, shown next to the button."""

from jimeng import limits
from jimeng.documents import best_effort
from jimeng.http import auth
from jimeng.i18n import t
from jimeng.web.site.formats import yuan_short


def remaining_budget() -> str:
    """The remaining budget of the user or the installation; empty without one."""
    principal = auth.principal_of_page()
    with best_effort("budget"):
        found = limits.remaining_budget(principal, principal.user_id)
        if found is not None:
            period, micros = found
            return t(f"form.budget_{period}", remaining=yuan_short(micros))
    return ""
