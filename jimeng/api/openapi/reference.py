"""The OpenAPI document prepared for the docs page: operations and schemas."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

METHODS = ("get", "post", "put", "patch", "delete")
MAX_DEPTH = 3  # levels of nested fields that are shown inline; named schemas are linked
LIMITS = ("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems")
COMMON_PARAMETERS = {
    "X-Request-ID",
    "Accept-Language",
}  # parameters that every operation has

LINK = r"(?:&lt;)?(https://[\w./-]*\w)(?:&gt;)?"  # in escaped text


@dataclass(frozen=True)
class Field:
    """
    Attributes:
        location: ``path``, ``query`` or ``header``; empty in a body.
        kind: Its type as text; a named schema as a link.
        limits: Its constraints as text.
        fields: Its nested fields, unless its schema is named.
    """

    name: str
    kind: Markup
    description: Markup
    is_required: bool = False
    location: str = ""
    limits: str = ""
    fields: tuple["Field", ...] = ()


@dataclass(frozen=True)
class Answer:
    """
    Attributes:
        kind: The type of its body, as `Field.kind`; empty without a body.
        example: As JSON, or empty.
    """

    status: str
    description: Markup
    kind: Markup
    example: str = ""

    @property
    def is_success(self) -> bool:
        return self.status.startswith(("2", "3"))


@dataclass(frozen=True)
class Operation:
    """
    Attributes:
        body: The fields of its JSON body, or of its form.
        example: A body as JSON, or empty.
    """

    id: str
    method: str
    path: str
    title: str
    description: Markup
    parameters: tuple[Field, ...]
    body: tuple[Field, ...]
    media: str
    example: str
    answers: tuple[Answer, ...]

    @property
    def curl(self) -> str:
        """The request as a command; the address of the server is ``$JIMENG``."""
        parts = [f'curl -X {self.method.upper()} "$JIMENG{self.path}"']
        if self.example:
            quoted = json.dumps(json.loads(self.example), ensure_ascii=False)
            quoted = quoted.replace("'", "'\\''")
            parts += ["-H 'Content-Type: application/json'", f"-d '{quoted}'"]
        elif self.media:
            parts.append("-F 'file=@picture.png'")
        return " \\\n  ".join(parts)


@dataclass(frozen=True)
class Reference:
    """
    Attributes:
        groups: Name, description and operations, in order.
        schemas: The named schemas.
        has_keys: Whether requests need a key.
    """

    description: Markup
    version: str
    groups: list[tuple[str, Markup, list[Operation]]]
    schemas: list[tuple[str, tuple[Field, ...]]]
    has_keys: bool


def prose(text: str) -> Markup:
    """Render the document's small Markdown subset: paragraphs, `code` and <URL>."""
    parts = [part for part in re.split(r"\n\s*\n", text.strip()) if part]
    coded = (re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(p))) for p in parts)
    coded = (re.sub(LINK, r'<a href="\1">\1</a>', p) for p in coded)
    return Markup("".join(f"<p>{part}</p>" for part in coded))  # noqa: S704 (escaped)


def parse_document(document: dict[str, Any]) -> Reference:
    """Parse our own OpenAPI document for the page."""
    reader = Reader(document)
    groups = [
        (tag["name"], prose(tag.get("description", "")), reader.operations(tag["name"]))
        for tag in document["tags"]
    ]
    schemas = document["components"]["schemas"]
    return Reference(
        prose(document["info"]["description"]),
        document["info"]["version"],
        groups,
        [(name, reader.fields(schemas[name])) for name in sorted(schemas)],
        bool(document.get("security")),
    )


class Reader:
    """Reads a document, resolving its references."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document

    def resolve(self, part: dict) -> dict:
        """*part*, or the target of its ``$ref``."""
        while "$ref" in part:
            there: Any = self.document
            for step in part["$ref"].removeprefix("#/").split("/"):
                there = there[step]
            part = there
        return part

    def operations(self, tag: str) -> list[Operation]:
        return [
            self.operation(path, method, found, item.get("parameters", []))
            for path, item in self.document["paths"].items()
            for method, found in item.items()
            if method in METHODS and tag in found["tags"]
        ]

    def operation(self, path: str, method: str, of: dict, above: list) -> Operation:
        media, body = first_body(of.get("requestBody", {}))
        parameters = [
            self.resolve(each) for each in [*above, *of.get("parameters", [])]
        ]
        return Operation(
            id=of["operationId"],
            method=method,
            path=path,
            title=of.get("summary", ""),
            description=prose(of.get("description", "")),
            parameters=tuple(
                self.parameter(p)
                for p in parameters
                if p["name"] not in COMMON_PARAMETERS
            ),
            body=self.fields(body.get("schema", {})),
            media=media,
            example=self.example(body) if media == "application/json" else "",
            answers=tuple(self.answers(of["responses"])),
        )

    def parameter(self, part: dict) -> Field:
        schema = {**part["schema"], "description": part.get("description", "")}
        is_required = part.get("required", False)
        return self.field(part["name"], schema, is_required, part["in"])

    def answers(self, responses: dict) -> Iterator[Answer]:
        for status, response in responses.items():
            response = self.resolve(response)
            media, body = first_body(response)
            kind = (
                self.kind(body.get("schema", {})) if "json" in media else escape(media)
            )
            example = self.example(body) if status < "3" else ""
            yield Answer(status, prose(response.get("description", "")), kind, example)

    def example(self, body: dict) -> str:
        """The last example, which is the most complete; empty without one."""
        found = body.get("example")
        for each in body.get("examples", {}).values():
            found = self.resolve(each).get("value", found)
        return "" if found is None else json.dumps(found, ensure_ascii=False, indent=2)

    def fields(self, schema: dict, depth: int = 0) -> tuple[Field, ...]:
        schema = self.resolve(schema)
        required = schema.get("required", ())
        return tuple(
            self.field(name, each, name in required, depth=depth)
            for name, each in schema.get("properties", {}).items()
        )

    def field(
        self,
        name: str,
        schema: dict,
        is_required: bool,
        location: str = "",
        depth: int = 0,
    ) -> Field:
        inner = schema.get("items", schema)
        has_name = "$ref" in inner
        description = schema.get("description") or self.resolve(inner).get(
            "description", ""
        )
        return Field(
            name=name,
            kind=self.kind(schema),
            description=prose(description),
            is_required=is_required,
            location=location,
            limits=limits(schema),
            fields=self.fields(inner, depth + 1)
            if not has_name and depth < MAX_DEPTH
            else (),
        )

    def kind(self, schema: dict) -> Markup:
        """A type as text; a named schema as a link to it."""
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            return Markup('<a href="#schema-{0}">{0}</a>').format(name)
        for several in ("anyOf", "oneOf"):
            kinds = [
                self.kind(each)
                for each in schema.get(several, ())
                if "type" in each or "$ref" in each
            ]
            if kinds:
                return Markup(" | ").join(dict.fromkeys(kinds))
        data = schema.get("properties", {}).get("data")
        if data:  # the envelope
            return self.kind(data)
        if "items" in schema:
            return Markup("{}[]").format(self.kind(schema["items"]))
        kinds = schema.get("type", "")
        return escape(" | ".join(kinds) if isinstance(kinds, list) else kinds)


def first_body(part: dict) -> tuple[str, dict]:
    """The media type and the description of a request's or response's first body."""
    found: dict[str, dict] = part.get("content", {})
    return next(iter(found.items()), ("", {}))


def limits(schema: dict) -> str:
    """A value's constraints, in JSON Schema's terms."""
    schema = (
        schema.get("items", schema) if "enum" in schema.get("items", {}) else schema
    )
    said = [f"{name} {schema[name]}" for name in LIMITS if name in schema]
    if schema.get("enum"):
        said.append(
            " | ".join(json.dumps(each, ensure_ascii=False) for each in schema["enum"])
        )
    if "default" in schema:
        said.append(f"default {json.dumps(schema['default'], ensure_ascii=False)}")
    return ", ".join(said)
