"""The form's default settings: stored on the user, or in a cookie without sign-in."""

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode

from flask import Response, request

from jimeng.accounts import users
from jimeng.errors import Invalid
from jimeng.http import auth
from jimeng.providers import Model
from jimeng.providers.models.model import MAX_OUTPUTS
from jimeng.web.create import options
from jimeng.web.site.preferences import set_preference_cookie

COOKIE = "defaults"
CHOICES = "choices"  # the cookie in which the page's script stores the current choices
FIELDS = ("model", "size", "n")  # names of form fields
MAX_VALUE_CHARS = 100


def defaults() -> dict[str, str]:
    """The chosen defaults: field -> value."""
    user = auth.current_user()
    if user is not None:
        return chosen({name: str(value) for name, value in user.defaults.items()})
    if auth.needs_sign_in():
        return {}
    return chosen(dict(parse_qsl(request.cookies.get(COOKIE, "")[:1000])))


def chosen(values: Mapping[str, str]) -> dict[str, str]:
    """The known fields of *values* that are set."""
    found = {name: values.get(name, "").strip() for name in FIELDS}
    return {
        name: value
        for name, value in found.items()
        if 0 < len(value) <= MAX_VALUE_CHARS
    }


def validate(values: Mapping[str, str]) -> dict[str, str]:
    """
    Validate the fields of *values* that are set.

    Raises:
        Invalid: a value is not one that the form offers.
    """
    found = chosen(values)
    model: Model | None = None
    if options.model_options():
        model = options.find_model(found.get("model"))
    sizes = list(model.sizes) if model else []
    if "size" in found and found["size"] not in sizes:
        raise Invalid.field("size", "invalid.choice", known=", ".join(sizes))
    most = model.max_images if model else MAX_OUTPUTS
    if "n" in found and found["n"] not in map(str, range(1, most + 1)):
        raise Invalid.field("n", "invalid.range", min=1, max=most)
    return found


def store(response: Response, values: dict[str, str]) -> None:
    """Store the defaults where `defaults` reads them."""
    response.delete_cookie(CHOICES)
    user = auth.current_user()
    if user is None:
        set_preference_cookie(response, COOKIE, urlencode(values))
    else:
        users.set_preferences(auth.principal_of_page(), user.id, defaults=values)
