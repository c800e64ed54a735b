"""What is left of the budget, shown beside the button."""

from jimeng import limits
from jimeng.documents import best_effort
from jimeng.http import auth
from jimeng.i18n import t
from jimeng.web.site.formats import yuan_short


def budget_left() -> str:
    """What is left of the user's or the installation's budget; empty without any."""
    principal = auth.principal_of_page()
    with best_effort("budget"):
        found = limits.remaining_budget(principal, principal.user_id)
        if found is not None:
            period, micros = found
            return t(f"form.budget_{period}", left=yuan_short(micros))
    return ""
