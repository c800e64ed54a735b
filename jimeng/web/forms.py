"""What a page's form says, checked by the schemas of the API."""

from collections.abc import Mapping

from marshmallow import Schema, ValidationError

from jimeng.errors import Invalid
from jimeng.http.answers import by_field


def checked(schema: Schema, given: Mapping[str, object]) -> dict:
    """
    Raises:
        Invalid: by the fields that the form has: those of a list are one.
    """
    try:
        return schema.load(given)
    except ValidationError as error:
        wrong: dict[str, list[tuple[str, dict]]] = {}
        for name, reasons in by_field(error.messages).items():
            wrong.setdefault(name.partition(".")[0], []).extend(
                (reason, {}) for reason in reasons
            )
        raise Invalid(wrong) from error
