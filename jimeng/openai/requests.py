"""
Parse request bodies leniently: JSON or a form, fields under several names.

Clients send null or empty text for omitted fields, and fields of other services:
neither is an error here.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from flask import request
from marshmallow import ValidationError

from jimeng.errors import Invalid, InvalidJson
from jimeng.http.requests import parse_json_body
from jimeng.openai.openapi import CreateImageRequest
from jimeng.openai.video_schemas import CreateVideoRequest
from jimeng.schemas.fields import Length, Range, is_storable

# Objects in which clients and gateways send fields that OpenAI's API does not have.
NESTED = ("extra_fields", "extra_body")
FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")
# Field -> its validator in the described schemas.
FIELDS: dict[str, Any] = {
    **CreateVideoRequest().fields,
    **CreateImageRequest().fields,
}
CHECKS: dict[str, Any] = {
    name: check for name, field in FIELDS.items() for check in field.validators
}
TRUE, FALSE = ("true", "1", "yes", "on"), ("false", "0", "no", "off")


@dataclass(frozen=True)
class Body:
    """
    Attributes:
        fields: Values by name, without null and empty ones.
        files: The files of a form, by field.
        content: The whole body as JSON, files by their hashes: equal requests have
            equal content, whatever their multipart boundaries.
    """

    fields: Mapping[str, object]
    files: Mapping[str, list[bytes]]
    content: object

    def text(self, *names: str) -> str | None:
        """
        The first present field of *names*; the first name has the validator.

        Raises:
            Invalid: it is not text, or too long.
        """
        name, value = self._first(names)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise Invalid.field(name, "invalid.string")
        text = str(value).strip()
        if not is_storable(text):
            raise Invalid.field(name, "invalid.unstorable")
        check = CHECKS[names[0]]
        if isinstance(check, Length) and len(text) > check.max:
            raise Invalid.field(name, "invalid.length", min=check.min, max=check.max)
        return text or None

    def whole(self, name: str, check: Range | None = None) -> int | None:
        """
        Args:
            check: For a field without a validator.

        Raises:
            Invalid: it is neither an integer nor text of one, or out of range.
        """
        check, value = check or CHECKS[name], self.fields.get(name)
        if value is None:
            return None
        number = as_integer(value)
        if number is None:
            raise Invalid.field(name, "invalid.integer")
        if not check.min <= number <= check.max:
            raise Invalid.field(name, "invalid.range", min=check.min, max=check.max)
        return number

    def switch(self, name: str) -> bool:
        """
        Raises:
            Invalid: it is neither a boolean nor text of one.
        """
        value = str(self.fields.get(name, False)).strip().lower()
        if value not in TRUE + FALSE:
            raise Invalid.field(name, "invalid.boolean")
        return value in TRUE

    def choice(self, name: str, *others: str) -> str | None:
        """
        Args:
            others: Allowed in addition to the described choices.

        Raises:
            Invalid: it is none of these.
        """
        value, known = self.text(name), (*CHECKS[name].choices, *others)
        if value is None:
            return None
        if value.lower() not in known:
            raise Invalid.field(name, "invalid.choice", known=", ".join(known))
        return value.lower()

    def pairs(self, name: str) -> dict[str, str]:
        """
        Pairs of text: an object, JSON of one, or in a form ``name[key]`` for each.

        Raises:
            Invalid: it is none, or one of them is too long.
        """
        prefix = f"{name}["
        value = self.fields.get(name) or {
            field[len(prefix) : -1]: text
            for field, text in self.fields.items()
            if field.startswith(prefix) and field.endswith("]")
        }
        parsed = json_or_none(value) if isinstance(value, str) else None
        try:
            return FIELDS[name].deserialize(value if parsed is None else parsed)
        except ValidationError as error:
            raise Invalid.field(name, "invalid.metadata") from error

    def choices(self, name: str) -> list[str]:
        """
        Some of those that are described; a form has several of one name, or one.

        Raises:
            Invalid: one is none of them.
        """
        value = self.fields.get(name, [])
        found, known = value if isinstance(value, list) else [value], FIELDS[name]
        try:
            return known.deserialize(found) if found else []
        except ValidationError as error:
            choices = ", ".join(known.inner.validate.choices)
            raise Invalid.field(name, "invalid.choice", known=choices) from error

    def _first(self, names: tuple[str, ...]) -> tuple[str, object]:
        present = (name for name in names if name in self.fields)
        name = next(present, names[0])
        return name, self.fields.get(name)


def read_body() -> Body:
    """
    The request's body.

    Raises:
        InvalidJson: it is not an object in JSON.
        UnsupportedMediaType: it is neither JSON nor a form.
        RequestEntityTooLarge: it is longer than bodies may be.
        Invalid: as in `reject_dry_run`.
    """
    if request.mimetype not in FORMS:
        sent = read_json()
        return Body(dict(present_fields(sent)), {}, [request.path, sent])
    texts = request.form.to_dict(flat=False)
    fields = {name: each if len(each) > 1 else each[0] for name, each in texts.items()}
    reject_dry_run(fields)
    files: dict[str, list[bytes]] = {}
    for name, file in request.files.items(multi=True):
        with file.stream as stream:
            content = stream.read()
        if content:  # an empty field has none
            files.setdefault(name, []).append(content)
    marks = {n: [sha256(each).hexdigest() for each in f] for n, f in files.items()}
    return Body(dict(present_fields(fields)), files, [request.path, texts, marks])


def read_json() -> dict:
    """
    The request's body, for clients that send JSON alone.

    Raises:
        InvalidJson: as in `read_body`, and so are the others.
    """
    body = request.get_data(cache=False)  # it may be large, and is read once
    found = parse_json_body(body)
    if not isinstance(found, dict):
        raise InvalidJson("body: no object")
    reject_dry_run(found)
    return found


def reject_dry_run(sent: Mapping[str, object]) -> None:
    """
    Reject a request that asks for an estimate, which these interfaces do not have:
    ignoring an unknown field would charge for it.

    Raises:
        Invalid: the query or *sent*, the body's fields, has ``dry_run``.
    """
    if "dry_run" in request.args or "dry_run" in dict(present_fields(sent)):
        raise Invalid.field("dry_run", "invalid.dry_run")


def present_fields(sent: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """The fields that are neither null nor empty; top-level fields take precedence."""
    for name in NESTED:
        inner = sent.get(name)
        if isinstance(inner, str):
            inner = json_or_none(inner)
        if isinstance(inner, dict):
            yield from present_fields(
                {k: v for k, v in inner.items() if k not in NESTED}
            )
    for name, value in sent.items():
        if name not in NESTED and value not in (None, "", []):
            yield name, value


def json_or_none(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def as_integer(value: object) -> int | None:
    """An integer, or text of one; JSON may write 2 as 2.0."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, int):
        return value
    text = value.strip() if isinstance(value, str) else ""
    digits = text.removeprefix("-")
    return (
        int(text)
        if digits.isascii() and digits.isdigit() and len(digits) < 19
        else None
    )


def retry_count() -> int:
    """How often the client has already sent this request, by OpenAI's SDKs' header."""
    count = request.headers.get("x-stainless-retry-count", "")
    return int(count) if count.isascii() and count.isdigit() and len(count) < 4 else 0


def has_retry_count() -> bool:
    """Whether the client counts its retries; such clients retry when asked to."""
    return "x-stainless-retry-count" in request.headers
