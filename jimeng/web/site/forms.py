"""What a page's form says, checked by the schemas of the API."""

from collections.abc import Container, Mapping
from types import MappingProxyType

from flask import request
from marshmallow import Schema, ValidationError

from jimeng.errors import Invalid, JimengError
from jimeng.http.responses import errors_by_field
from jimeng.i18n import problems

PLACES = {"provider": "model", "quality": "size"}  # where other fields' errors stand


def checked(schema: Schema, given: Mapping[str, object]) -> dict:
    """
    Raises:
        Invalid: by the fields that the form has: those of a list are one.
    """
    try:
        return schema.load(given)
    except ValidationError as error:
        wrong: dict[str, list[tuple[str, dict]]] = {}
        for name, reasons in errors_by_field(error.messages).items():
            wrong.setdefault(name.partition(".")[0], []).extend(
                (reason, {}) for reason in reasons
            )
        raise Invalid(wrong) from error


def placed(
    error: JimengError,
    fields: Container[str],
    said: Mapping[str, list[str]] = MappingProxyType({}),
) -> dict[str, list[str]]:
    """
    What is wrong, by the fields of a form: "" for what belongs to none of them.

    Args:
        said: What else is wrong with it.
    """
    found = {name: [*words] for name, words in said.items()}
    for name, words in problems(error).items():
        known = PLACES.get(name, name.partition(".")[0])
        found.setdefault(known if known in fields else "", []).extend(words)
    return found


def accepts_double_charge() -> bool:
    """Whether the form consents to what may be charged twice."""
    return request.form.get("accept_double_charge") == "yes"
