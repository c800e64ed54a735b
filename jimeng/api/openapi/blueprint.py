"""
The blueprint of the REST API: one envelope for all answers, and views that say all
that the document tells of them.

Words stand in pairs, Chinese and English, until `document` chooses.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_smorest import Blueprint

from jimeng.api.openapi import errors
from jimeng.api.openapi.bodies import body_of, example_of, form_of
from jimeng.api.openapi.parts import Words, both, headers, place, reference, translated
from jimeng.http.request_bodies import StrictParser
from jimeng.i18n import docstring_words
from jimeng.schemas import Strict, field_descriptions, responses

LIMITS = ["RateLimit-Policy", "RateLimit"]
EVERYWHERE = ["bad_request", "internal"]
OF_THE_API = ["not_found", "validation_failed", "wrong_host", "database_unavailable"]
OF_THE_API += ["too_many_requests"]
UNSAFE = ["cross_site", "release_too_old"]
WITH_KEYS = ["unauthorized", "api_key_invalid", "scope_too_small", "admins_only"]
WITH_KEYS += ["door_closed"]
WITH_FORM = ["request_too_large", "unsupported_media_type", "unsupported_encoding"]
WITH_BODY = ["invalid_json", *WITH_FORM]

JSON = "application/json"
# Of answers that are not JSON.
TEXT = {"type": "string"}
BINARY = {"type": "string", "format": "binary"}
# What a 200 is beside another success.
ONCE_ENDED_OR_DRY_RUN = (
    "等到了：任务已经结束（`Prefer: wait`）；或者只是估价（`dry_run`）",
    "Waited for: the task has ended (`Prefer: wait`). Or an estimate (`dry_run`)",
)
DRY_RUN = ("只是估算（`dry_run`）", "An estimate (`dry_run`)")


@dataclass(frozen=True, kw_only=True)
class Notes:
    """
    What a view's schemas do not tell of it.

    Attributes:
        errors: The codes that are its own, beside those of every request.
        headers: Those that a success may have.
        always: Those that each success has.
        takes: Headers that it reads, beside those of every request.
        makes: What a success makes: its name in ``data`` and in later paths, and
            the operations that go on from there.
        pages: A success has ``next_cursor`` beside ``data``.
        estimate: What a 200 has, where ``dry_run`` asks for no more than that.
        once_ended: What it may have instead, where the request may wait for the end.
        form: The schema of a body of several parts.
        body: The schema of a body in JSON that the view reads by itself.
        or_list: Whether ``data`` may be a list instead, with ``next_cursor`` beside it.
    """

    errors: Sequence[str] = ()
    headers: Sequence[str] = ()
    always: Sequence[str] = ()
    takes: Sequence[str] = ()
    makes: tuple[str, str, list[str]] | None = None
    pages: bool = False
    estimate: type[responses.Reply] | None = None
    once_ended: type[responses.Reply] | None = None
    form: type[Strict] | None = None
    body: type[Strict] | None = None
    or_list: bool = False


@dataclass(frozen=True)
class ErrorShape:
    """
    How errors look where they have another shape than the API's.

    Attributes:
        schema: Of each.
        show: The status of one of our codes, what it is called, its words, and a body.
    """

    schema: type[responses.Reply]
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
                told = {"name": name, "docstring": docstring_words(view_func)}
                self._docs[name][method] |= told

    def _prepare_operation(self, doc, doc_info, *, app, method, **kwargs):
        more = doc_info.get("more", Notes())
        doc["operationId"] = doc_info["name"]
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
        answers = doc["responses"]
        doc["responses"] = {
            str(status): self.success(answers[status], more),
            **({"304": unchanged(more)} if 304 in answers else {}),
            **({"200": self.other(more)} if more.estimate else {}),
            **self.failures(
                method, more, has_body=bool(body or more.body), sign_in=sign_in
            ),
        }
        return doc

    def success(self, answer: dict, more: Notes) -> dict:
        contents = answer["content"]
        if JSON in contents:
            schema = contents[JSON]["schema"]
            content = {"schema": schema, "example": example_of(schema)}
            if self.has_envelope:
                content = enveloped(content, more)
            contents[JSON] = content
        limits = headers([*more.headers, *LIMITS], more.always)
        made = {"description": ("成功", "Success"), "headers": limits}
        return {**made, "content": contents, **ways_on(more)}

    def other(self, more: Notes) -> dict:
        """The 200 of an operation whose success has another status."""
        schema, ways, said = more.estimate, [], DRY_RUN
        if more.once_ended:
            schema, said = more.once_ended, ONCE_ENDED_OR_DRY_RUN
            ways = [n for n in (*more.headers, *more.always) if n != "Retry-After"]
        answer = self.success(
            {"content": {JSON: {"schema": schema}}}, Notes(headers=ways)
        )
        if more.once_ended:
            data = answer["content"][JSON]["schema"]["properties"]
            data["data"] = {"anyOf": [more.once_ended, more.estimate]}
        return answer | {"description": said}

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


def enveloped(content: dict, more: Notes) -> dict:
    """The envelope of a success around what it holds."""
    schema = content["schema"]
    success = {
        "type": "boolean",
        "enum": [True],
        "description": field_descriptions.SUCCESS,
    }
    cursor = {"type": ["string", "null"], "description": field_descriptions.NEXT_CURSOR}
    properties: dict = {"success": success, "data": schema}
    shown = {"success": True, "data": content["example"]}
    if more.pages:
        properties["next_cursor"], shown["next_cursor"] = cursor, None
    required = [*properties]
    if more.or_list:
        properties["data"] = {"anyOf": [schema, {"type": "array", "items": schema}]}
        properties["next_cursor"] = cursor
    named = {"type": "object", "properties": properties, "required": required}
    return {"schema": named, "example": shown}


def event_of(name: str, schema: type[responses.Reply]) -> Words:
    """What a stream of such events, whose data are the schema's, begins with."""

    def say(spoken: int) -> str:
        data = json.dumps(translated(example_of(schema), spoken), ensure_ascii=False)
        return f"retry: 3000\nid: 1795572622191\nevent: {name}\ndata: {data}\n\n"

    return both(say)


def failure(status: int, codes: Iterable[str]) -> dict:
    told = {code: errors.words(code) for code in codes}
    examples = {code: {"$ref": reference("examples", code)} for code in told}
    return failing(status, told, responses.Refusal, examples)


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
    schema: type[responses.Reply],
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
        "description": ("没有变化", "Nothing has changed"),
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
