"""Validate the forms of pages by the schemas of the API."""

from collections.abc import Container, Mapping
from types import MappingProxyType

from flask import request
from marshmallow import Schema, ValidationError

from jimeng.errors import Invalid, JimengError
from jimeng.http.responses import errors_by_field
from jimeng.i18n import problems

# API field -> the form field that shows its errors.
ERROR_FIELDS = {"provider": "model", "quality": "size"}


def checked(schema: Schema, values: Mapping[str, object]) -> dict:
    """
    Load *values* by *schema*.

    Raises:
        Invalid: with the errors by form field; those of a list's elements are joined.
    """
    try:
        return schema.load(values)
    except ValidationError as error:
        wrong: dict[str, list[tuple[str, dict]]] = {}
        for name, reasons in errors_by_field(error.messages).items():
            wrong.setdefault(name.partition(".")[0], []).extend(
                (reason, {}) for reason in reasons
            )
        raise Invalid(wrong) from error


def errors_by_form_field(
    error: JimengError,
    fields: Container[str],
    said: Mapping[str, list[str]] = MappingProxyType({}),
) -> dict[str, list[str]]:
    """
    Group an error's messages by the fields of a form; "" for those of other fields.

    Args:
        said: Other errors of the form.
    """
    found = {name: [*messages] for name, messages in said.items()}
    for name, messages in problems(error).items():
        known = ERROR_FIELDS.get(name, name.partition(".")[0])
        found.setdefault(known if known in fields else "", []).extend(messages)
    return found


def accepts_double_charge() -> bool:
    """Whether the form consents to a possible double charge."""
    return request.form.get("accept_double_charge") == "yes"
