"""Current and future prices, and the form that sets new ones."""

from collections.abc import Mapping

from flask import current_app, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jimeng import operations
from jimeng.billing.costs import price_of_row
from jimeng.errors import Invalid
from jimeng.i18n import problems, t
from jimeng.operations.prices import SOUND, NewPrice, price_text
from jimeng.providers.models.model import PriceBySize
from jimeng.web.admin import bp

FIELDS = ("model", "account", "yuan", "up_to", "above", "others", "day")


@bp.get("/prices")
def prices() -> str:
    """The prices of all models, and the form that sets one."""
    return prices_page({}, {})


def prices_page(submitted: Mapping[str, str], errors: Mapping[str, list[str]]) -> str:
    found = operations.prices.price_list(
        g.principal, cursor=request.args.get("cursor") or None
    )
    return render_template(
        "admin/prices.html",
        entries=found.entries,
        accounts=found.accounts,
        page=found.superseded,
        price_of_row=price_of_row,
        names=found.names,
        localized_price=localized_price,
        zone=current_app.config["JIMENG"].BILLING_TIMEZONE,
        submitted=submitted,
        errors=errors,
        done=request.args.get("done"),
    )


def localized_price(price: PriceBySize) -> str:
    """The amounts and their conditions, in the reader's language."""
    text = price_text(price)
    for condition in SOUND:
        text = text.replace(condition, t(f"video.{condition}").lower())
    return text


@bp.post("/prices")
def add_price() -> ResponseReturnValue:
    """Set the price of a model, from a day on or at once."""
    submitted = {name: request.form.get(name, "").strip() for name in FIELDS}
    try:
        operations.prices.add(g.principal, NewPrice(**submitted))
    except Invalid as error:
        return prices_page(submitted, problems(error)), error.status
    return redirect(url_for(".prices", done="added"), 303)


@bp.post("/prices/<price_id>/remove")
def remove_price(price_id: str) -> ResponseReturnValue:
    """Remove a price that is not in force yet."""
    try:
        operations.prices.remove(g.principal, price_id)
    except Invalid as error:
        return prices_page({}, problems(error)), error.status
    return redirect(url_for(".prices", done="removed"), 303)
