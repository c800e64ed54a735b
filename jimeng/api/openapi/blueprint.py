"""
The blueprint of the REST API: one envelope for all answers, and views that say all
that the document tells of them.

Words stand in pairs, Chinese and English, until `document` chooses.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from flask_smorest import Blueprint
from flask_smorest.utils import load_info_from_docstring

from jimeng.api.openapi import errors
from jimeng.api.openapi.bodies import body_of, example_of, form_of
from jimeng.api.openapi.parts import (
    Words,
    both,
    field_words,
    headers,
    place,
    reference,
    translated,
)
from jimeng.http.bodies import StrictParser
from jimeng.i18n.routes import REQUEST_TEXTS
from jimeng.i18n.routes import ROUTES as CHINESE
from jimeng.schemas import Strict, replies

LIMITS = ["RateLimit-Policy", "RateLimit"]
EVERYWHERE = ["bad_request", "internal"]
OF_THE_API = ["not_found", "validation_failed", "wrong_host", "database_unavailable"]
OF_THE_API += ["too_many_requests"]
UNSAFE = ["cross_site", "release_too_old"]
WITH_KEYS = ["unauthorized", "api_key_invalid", "scope_too_small", "admins_only"]
WITH_KEYS += ["door_closed"]
WITH_FORM = ["request_too_large", "unsupported_media_type", "unsupported_encoding"]
WITH_BODY = ["invalid_json", *WITH_FORM]


@dataclass(frozen=True, kw_only=True)
class Notes:
    """
    What a view's schemas do not tell of it.

    Attributes:
        errors: The codes that are its own, beside those of every request.
        headers: Those that a success may have.
        always: Those that each success has.
        takes: Headers that it reads, beside those of every request.
        conditional: Whether it may answer 304.
        makes: What a success makes: its name in ``data`` and in later paths, and
            the operations that go on from there.
        beside: Names in the envelope beside ``data``, with their types.
        plain: A success is this plain text, as in this example.
        events: A success is server-sent events of this name, whose data are the
            schema's.
        once_ended: What a 200 has, where the request may wait for the end.
        estimate: What a 200 has, where ``dry_run`` asks for no more than that; beside
            `once_ended`, if the request may wait.
        form: The schema of a body of several parts.
        body: The schema of a body in JSON that the view reads by itself.
        binary: A success is bytes of this type.
        stream: What server-sent events look like that a success may be instead.
        or_list: Whether ``data`` may be a list instead, with ``next_cursor`` beside it.
        id: The operation's name, where that of its view is another's.
    """

    errors: Sequence[str] = ()
    headers: Sequence[str] = ()
    always: Sequence[str] = ()
    takes: Sequence[str] = ()
    conditional: bool = False
    makes: tuple[str, str, list[str]] | None = None
    beside: Mapping[str, list[str]] = field(default_factory=dict)
    plain: str | None = None
    events: str | None = None
    once_ended: type[replies.Reply] | None = None
    estimate: type[replies.Reply] | None = None
    form: type[Strict] | None = None
    body: type[Strict] | None = None
    binary: str | None = None
    stream: str | None = None
    or_list: bool = False
    id: str | None = None


@dataclass(frozen=True)
class ErrorShape:
    """
    How errors look where they have another shape than the API's.

    Attributes:
        schema: Of each.
        show: The status of one of our codes, what it is called, its words, and a body.
    """

    schema: type[replies.Reply]
    show: Callable[[str], tuple[int, str, Words, dict]]


class DescribedBlueprint(Blueprint):
    """
    Attributes:
        probe: Its routes are asked by machines: without a key, an envelope, or the
            database.
        shape: Of its errors, where that is another service's; so are successes.
    """

    ARGUMENTS_PARSER = StrictParser()

    def __init__(
        self,
        *args: Any,
        probe: bool = False,
        shape: ErrorShape | None = None,
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self.probe = probe
        self.shape = shape
        self._prepare_doc_cbks = [
            self._prepare_arguments_doc,
            self._prepare_response_doc,
            self._prepare_operation,
        ]

    @staticmethod
    def describe(**told: Any) -> Callable:
        """Say what the `Notes` of a view are."""

        def decorator(view: Any) -> Any:
            view._apidoc = {**getattr(view, "_apidoc", {}), "more": Notes(**told)}
            return view

        return decorator

    def _prepare_response_content(self, data):
        return {"success": True, "data": data} if self.has_envelope else data

    @property
    def has_envelope(self) -> bool:
        return not self.probe and self.shape is None

    def add_url_rule(self, rule, endpoint=None, view_func=None, *args, **options):
        """Keep what the document needs beside what smorest keeps."""
        names = re.findall(r"<(?:\w+:)?(\w+)>", rule)
        options["parameters"] = [place(name) for name in names]
        super().add_url_rule(rule, endpoint, view_func, *args, **options)
        name = endpoint or view_func.__name__
        for method in ("get", "post", "put", "patch", "delete"):
            if method in self._docs[name]:
                self._docs[name][method]["name"] = name

    def _prepare_operation(self, doc, doc_info, *, app, method, **kwargs):
        name, more = doc_info["name"], doc_info.get("more", Notes())
        doc_info["docstring"] = words(doc_info["docstring"], f"{self.name}.{name}")
        doc["operationId"] = more.id or name
        doc.setdefault("parameters", []).extend(
            [*more.takes, "X-Request-ID", "Accept-Language"]
        )
        sign_in = app.config["JIMENG"].sign_in
        if sign_in and self.probe:
            doc["security"] = []
        body = doc.pop("requestBody", None)
        if body is not None:
            (content,) = body["content"].values()
            schema = content["schema"]
            if schema._declared_fields:
                doc["requestBody"] = body_of(schema, sign_in=sign_in)
        bodies = [body_of(more.body, sign_in=sign_in)] if more.body else []
        bodies += [form_of(more.form, sign_in=sign_in)] if more.form else []
        if bodies:
            kinds = {
                kind: of for each in bodies for kind, of in each["content"].items()
            }
            doc["requestBody"] = {"required": True, "content": kinds}
        (status,) = doc_info["success_status_codes"]
        doc["responses"] = {
            str(status): self.success(doc["responses"][status], more),
            **({"304": unchanged(more)} if more.conditional else {}),
            **({"200": self.other(more)} if more.once_ended or more.estimate else {}),
            **self.failures(
                method, more, has_body=bool(body or more.body), sign_in=sign_in
            ),
        }
        return doc

    def success(self, answer: dict, more: Notes) -> dict:
        kind = "application/json"
        schema = answer.get("content", {}).get(kind, {}).get("schema")
        if more.binary is not None:
            kind = more.binary
            binary = {"type": "string", "format": "binary"}
            content: dict = {"schema": binary, "example": "…"}
        elif more.plain is not None:
            kind = "text/plain"
            content = {"schema": {"type": "string"}, "example": more.plain}
        elif more.events is not None:
            kind = "text/event-stream"
            content = events_of(more.events, schema)
        else:
            content = {"schema": schema, "example": example_of(schema)}
            if self.has_envelope:
                content = enveloped(content, more.beside)
            if more.or_list:
                names = content["schema"]["properties"]
                rows = {"type": "array", "items": schema}
                words = {"description": field_words("next_cursor")}
                names["data"] = {"anyOf": [schema, rows]}
                names["next_cursor"] = {"type": ["string", "null"], **words}
        contents = {kind: content}
        if more.stream is not None:
            events = {"schema": {"type": "string"}, "example": more.stream}
            contents["text/event-stream"] = events
        if more.binary is not None:  # programs that know no ranges of types
            contents["application/octet-stream"] = content
        return {**described_by(more), "content": contents, **ways_on(more)}

    def other(self, more: Notes) -> dict:
        """The 200 of an operation whose success has another status."""
        if more.once_ended:
            return self.ended(more)
        content = {"application/json": {"schema": more.estimate}}
        answer = self.success({"content": content}, Notes())
        return answer | {"description": REQUEST_TEXTS["dry_run"]}

    def ended(self, more: Notes) -> dict:
        """The answer of a request that has waited for the end."""
        always = [name for name in more.always if name != "Retry-After"]
        told = replace(more, always=[*always, "Preference-Applied"], makes=None)
        name = "once_ended"
        if more.estimate:  # which has waited for nothing, and is nowhere
            ways = [*more.headers, *always, "Preference-Applied"]
            told, name = replace(told, always=[], headers=ways), "once_ended_or_dry_run"
        content = {"application/json": {"schema": more.once_ended}}
        answer = self.success({"content": content}, told)
        if more.estimate:
            data = answer["content"]["application/json"]["schema"]["properties"]
            data["data"] = {"anyOf": [more.once_ended, more.estimate]}
        return answer | {"description": REQUEST_TEXTS[name]}

    def failures(
        self, method: str, more: Notes, *, has_body: bool, sign_in: bool
    ) -> dict:
        codes = [*EVERYWHERE, *more.errors]
        if not self.probe:
            codes += OF_THE_API
            codes += UNSAFE if method != "get" else ()
            codes += WITH_KEYS if sign_in else ()
            codes += WITH_BODY if has_body else ()
            codes += WITH_FORM if more.form else ()
        codes += errors.OF_THE_SERVER
        if self.shape is not None:
            return shaped(self.shape, codes)
        return {
            str(status): failure(status, those)
            for status, those in errors.by_status(codes).items()
        }


def described_by(more: Notes) -> dict:
    """What every success says before it says what it is."""
    return {
        "description": REQUEST_TEXTS["ok"],
        "headers": headers([*more.headers, *LIMITS], more.always),
    }


def words(english: dict[str, str], endpoint: str) -> dict[str, tuple[str, str]]:
    """
    A view's docstring, and the same in Chinese, once somebody has written that: the
    first line is the summary.
    """
    told = CHINESE.get(endpoint)
    chinese = load_info_from_docstring(told) if told else english
    said = []
    for info, joint in ((chinese, ""), (english, " ")):
        paragraphs = info.get("description", info["summary"]).split("\n\n")
        lines = [joint.join(each.split("\n")) for each in paragraphs]
        said.append((info["summary"], "\n\n".join(lines)))
    summary, description = zip(*said, strict=True)
    return {"summary": summary, "description": description}


def enveloped(content: dict, beside: Mapping[str, list[str]]) -> dict:
    """The envelope of a success around what it holds."""
    success = {"type": "boolean", "enum": [True], "description": field_words("success")}
    properties: dict = {"success": success, "data": content["schema"]}
    for name, kind in beside.items():
        properties[name] = {"type": kind, "description": field_words(name)}
    shown = {"success": True, "data": content["example"], **dict.fromkeys(beside)}
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {"schema": schema, "example": shown}


def events_of(name: str, schema: type[replies.Reply]) -> dict:
    """A stream of events, of which the example has one."""

    def say(spoken: int) -> str:
        data = json.dumps(translated(example_of(schema), spoken), ensure_ascii=False)
        return f"retry: 3000\nid: 1795572622191\nevent: {name}\ndata: {data}\n\n"

    return {"schema": {"type": "string"}, "example": both(say)}


def failure(status: int, codes: Iterable[str]) -> dict:
    told = {code: errors.words(code) for code in codes}
    examples = {code: {"$ref": reference("examples", code)} for code in told}
    return failing(status, told, replies.Refusal, examples)


def shaped(shape: ErrorShape, codes: Iterable[str]) -> dict[str, dict]:
    """By status, the failures with these codes in that shape."""
    found: dict[int, dict[str, tuple[Words, dict]]] = {}
    for code in dict.fromkeys(codes):
        status, name, said, body = shape.show(code)
        found.setdefault(status, {}).setdefault(name, (said, body))
    return {
        str(status): failing(
            status,
            {code: said for code, (said, _) in those.items()},
            shape.schema,
            {code: {"value": body} for code, (_, body) in those.items()},
        )
        for status, those in sorted(found.items())
    }


def failing(
    status: int,
    told: Mapping[str, Words],
    schema: type[replies.Reply],
    examples: dict[str, dict],
) -> dict:
    always = ["Retry-After"] if status in errors.RETRY_LATER else []
    return {
        "description": both(
            lambda spoken: "\n\n".join(
                f"`{code}`: {said[spoken]}" for code, said in told.items()
            )
        ),
        "headers": headers(LIMITS if status == 429 else [], always),
        "content": {"application/json": {"schema": schema, "examples": examples}},
    }


def unchanged(more: Notes) -> dict:
    return {
        "description": REQUEST_TEXTS["not_modified"],
        "headers": headers(more.headers, more.always),
    }


def ways_on(more: Notes) -> dict:
    """The operations that what was made can be given to, as OpenAPI's links."""
    if more.makes is None:
        return {}
    name, where, later = more.makes
    given = {where: f"$response.body#/data/{name}"}
    return {
        "links": {each: {"operationId": each, "parameters": given} for each in later}
    }
