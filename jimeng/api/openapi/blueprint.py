"""
The blueprint of the REST API: one envelope for all responses, and views that carry
everything the OpenAPI document says about them.

Texts are English, but those of errors and examples, which are (Chinese, English) pairs:
`document` picks the language.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apispec import APISpec
from flask_smorest import Blueprint
from flask_smorest.utils import resolve_schema_instance
from marshmallow import Schema

from jimeng.api.openapi import errors
from jimeng.api.openapi.bodies import body_of, example_of, form_of
from jimeng.api.openapi.parts import (
    Bilingual,
    headers,
    in_both_languages,
    reference,
)
from jimeng.http.requests import StrictParser
from jimeng.i18n import LANGUAGES
from jimeng.schemas import field_descriptions, responses
from jimeng.schemas.fields import Strict
from jimeng.schemas.reference_texts import docstring_texts, translated

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
# Schemas of responses that are not JSON.
TEXT = {"type": "string"}
BINARY = {"type": "string", "format": "binary"}
# Descriptions of a 200 where success usually has another status.
ONCE_ENDED_OR_DRY_RUN = (
    "Waited for: the task has ended (`Prefer: wait`). Or an estimate (`dry_run`)"
)
DRY_RUN = "An estimate (`dry_run`)"
USUAL = 200  # of operations that create nothing; they may have an estimate, too


@dataclass(frozen=True, kw_only=True)
class OperationDoc:
    """
    Details of an operation beyond its view's schemas.

    Attributes:
        errors: Its own error codes, in addition to those of every request.
        headers: Response headers that a success may have.
        always: Response headers that every success has.
        takes: Request headers that it reads, in addition to those of every request.
        makes: The resource that a success creates: its field in ``data``, the path
            parameter of later operations, and these operations' ids.
        pages: A success has ``next_cursor`` next to ``data``.
        estimate: The schema of the 200 that ``dry_run`` returns.
        once_ended: The schema of the 200 if the request waited for the task's end.
        form: The schema of a multipart body.
        body: The schema of a JSON body that the view parses itself.
        or_list: Whether ``data`` may be a list, with ``next_cursor`` next to it.
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
    Errors in another format than the API's.

    Attributes:
        schema: Of every error.
        example_of: For one of our codes: the status, the format's own code, its
            description, and an example body.
    """

    schema: type[responses.Reply]
    example_of: Callable[[str], tuple[int, str, Bilingual, dict]]


class DescribedBlueprint(Blueprint):
    """
    Attributes:
        probe: Its routes are health checks and metrics: without an envelope, and
            without a key.
        shape: Another service's error format; successes have no envelope either.
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

    @staticmethod
    def describe(**details: Any) -> Callable:
        """Attach an `OperationDoc` to a view."""

        def decorator(view: Any) -> Any:
            view.operation_doc = OperationDoc(**details)
            return view

        return decorator

    def arguments(
        self, schema: Schema | type[Schema], *, location: str = "json", **options: Any
    ) -> Callable:
        """As smorest's, and the view says which ``query_fields`` it takes."""
        decorate = super().arguments(schema, location=location, **options)

        def decorator(view: Any) -> Any:
            decorated = decorate(view)
            if location == "query":
                decorated.query_fields = resolve_schema_instance(schema).fields
            return decorated

        return decorator

    def _prepare_response_content(self, data):
        return {"success": True, "data": data} if self.has_envelope else data

    @property
    def has_envelope(self) -> bool:
        return not self.probe and self.shape is None

    def complete(
        self, doc: dict, view: Callable, *, spec: APISpec, method: str, sign_in: bool
    ) -> None:
        """Complete smorest's description of a view, before schemas are resolved."""
        more = getattr(view, "operation_doc", OperationDoc())
        doc.setdefault("operationId", view.__name__)
        doc.update(docstring_texts(view))
        doc.setdefault("parameters", []).extend(
            [*more.takes, "X-Request-ID", "Accept-Language"]
        )
        if sign_in and self.probe:
            doc["security"] = []
        body = doc.pop("requestBody", None)
        schema = more.body
        if body is not None:
            (content,) = body["content"].values()
            schema = content["schema"]
        bodies = []
        if schema and resolve_schema_instance(schema).fields:
            bodies.append(body_of(schema, sign_in=sign_in))
        bodies += [form_of(more.form, sign_in=sign_in)] if more.form else []
        if bodies:
            kinds = {
                kind: of for each in bodies for kind, of in each["content"].items()
            }
            doc["requestBody"] = {**bodies[0], "content": kinds}
        answers = doc["responses"]
        (status,) = [each for each in answers if each < 300]
        usual = self.success(answers[status], more)
        if more.estimate and status == USUAL:
            data = usual["content"][JSON]["schema"]["properties"]
            data["data"] = {"anyOf": [data["data"], more.estimate]}
        doc["responses"] = {
            str(status): usual,
            **({"304": not_modified_response(more)} if 304 in answers else {}),
            **({"200": self.other(more)} if more.estimate and status != USUAL else {}),
            **{
                str(status): shared(spec, status, failure)
                for status, failure in self.failures(
                    method, more, has_body=bool(body or more.body), sign_in=sign_in
                ).items()
            },
        }

    def success(self, answer: dict, more: OperationDoc) -> dict:
        contents = answer["content"]
        if JSON in contents:
            schema = contents[JSON]["schema"]
            content = {"schema": schema, "example": example_of(schema)}
            if self.has_envelope:
                content = enveloped(content, more)
            contents[JSON] = content
        limits = headers([*more.headers, *LIMITS], more.always)
        body_response = {"description": "Success", "headers": limits}
        return {**body_response, "content": contents, **links_of(more)}

    def other(self, more: OperationDoc) -> dict:
        """The 200 of an operation whose success usually has another status."""
        schema, ways, said = more.estimate, [], DRY_RUN
        if more.once_ended:
            schema, said = more.once_ended, ONCE_ENDED_OR_DRY_RUN
            ways = [n for n in (*more.headers, *more.always) if n != "Retry-After"]
        answer = self.success(
            {"content": {JSON: {"schema": schema}}}, OperationDoc(headers=ways)
        )
        if more.once_ended:
            data = answer["content"][JSON]["schema"]["properties"]
            data["data"] = {"anyOf": [more.once_ended, more.estimate]}
        return answer | {"description": said}

    def failures(
        self, method: str, more: OperationDoc, *, has_body: bool, sign_in: bool
    ) -> dict[int, dict]:
        codes = [*EVERYWHERE, *more.errors]
        if not self.probe:
            codes += OF_THE_API
            codes += UNSAFE if method != "get" else ()
            codes += WITH_KEYS if sign_in else ()
            codes += WITH_BODY if has_body else ()
            codes += WITH_FORM if more.form else ()
        codes += errors.OF_THE_SERVER
        if self.shape is not None:
            return shaped_failures(self.shape, codes)
        return {
            status: failure(status, those)
            for status, those in errors.by_status(codes).items()
        }


def enveloped(content: dict, more: OperationDoc) -> dict:
    """Wrap a success in the envelope."""
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


def event_of(name: str, schema: type[responses.Reply]) -> Bilingual:
    """An example of a stream of events whose data have this schema."""

    def say(spoken: int) -> str:
        example = translated(example_of(schema), LANGUAGES[spoken], is_example=True)
        data = json.dumps(example, ensure_ascii=False)
        return f"retry: 3000\nid: 1795572622191\nevent: {name}\ndata: {data}\n\n"

    return in_both_languages(say)


def failure(status: int, codes: Iterable[str]) -> dict:
    messages = {code: errors.message_of(code) for code in codes}
    examples = {code: {"$ref": reference("examples", code)} for code in messages}
    return failure_response(status, messages, responses.Refusal, examples)


def shaped_failures(shape: ErrorShape, codes: Iterable[str]) -> dict[int, dict]:
    """The failures with these codes in another format, by status."""
    found: dict[int, dict[str, tuple[Bilingual, dict]]] = {}
    for code in dict.fromkeys(codes):
        status, name, said, body = shape.example_of(code)
        found.setdefault(status, {}).setdefault(name, (said, body))
    return {
        status: failure_response(
            status,
            {code: said for code, (said, _) in those.items()},
            shape.schema,
            {code: {"value": body} for code, (_, body) in those.items()},
        )
        for status, those in sorted(found.items())
    }


def failure_response(
    status: int,
    messages: Mapping[str, Bilingual],
    schema: type[responses.Reply],
    examples: dict[str, dict],
) -> dict:
    always = ["Retry-After"] if status in errors.RETRY_LATER else []
    return {
        "description": in_both_languages(
            lambda spoken: "\n\n".join(
                f"`{code}`: {said[spoken]}" for code, said in messages.items()
            )
        ),
        "headers": headers(LIMITS if status == 429 else [], always),
        "content": {"application/json": {"schema": schema, "examples": examples}},
    }


def shared(spec: APISpec, status: int, response: dict) -> dict:
    """
    Put an error response into the document's components, once, and refer to it. Its
    name there is its status and codes, after its schema if that is not the API's.
    """
    (content,) = response["content"].values()
    schema = content["schema"]
    names = [] if schema is responses.Refusal else [schema.__name__]
    name = ".".join([*names, str(status), *content["examples"]])
    if name not in spec.components.responses:
        spec.components.response(name, response)
    return {"$ref": reference("responses", name)}


def not_modified_response(more: OperationDoc) -> dict:
    return {
        "description": "Nothing has changed",
        "headers": headers(more.headers, more.always),
    }


def links_of(more: OperationDoc) -> dict:
    """OpenAPI links from the created resource to later operations."""
    if more.makes is None:
        return {}
    name, where, later = more.makes
    parameters = {where: f"$response.body#/data/{name}"}
    return {
        "links": {
            each: {"operationId": each, "parameters": parameters} for each in later
        }
    }
