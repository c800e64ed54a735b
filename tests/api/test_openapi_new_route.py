"""A route that is added is described in full, of itself."""

from dataclasses import replace
from typing import ClassVar

from openapi_spec_validator import validate

from app import create_app
from jimeng.api.openapi.blueprint import DescribedBlueprint
from jimeng.i18n import MESSAGES, t
from jimeng.monitoring import health, metrics
from jimeng.schemas import Strict
from jimeng.schemas.fields import Reply, Trimmed, text
from tests.rest import API
from tests.test_openapi import shown


class Asked(Strict):
    prompt = Trimmed(required=True)
    examples: ClassVar = {"usual": {"prompt": "x"}}


class Answered(Reply):
    task_id = text(example="task_1")
    message = text(of=lambda said: t("answer.ready"), example=MESSAGES["answer.ready"])


def test_new_route_is_described_in_full(connection, config, monkeypatch):
    """Its view, its schemas and its words are all: the document has the rest."""
    blp = DescribedBlueprint("new", __name__, url_prefix="/api/v1")
    monkeypatch.setattr(health, "bp", blp)  # in whose place it is registered

    @blp.post("/tasks/<task_id>/try", tags=["tasks"])
    @blp.arguments(Asked)
    @blp.response(201, Answered)
    @blp.describe(errors=["task_not_found"], always=["Location"])
    def try_it(params: dict, task_id: str) -> tuple[dict, dict]:
        """
        Try it.

        It is but a try.
        ---
        试一试

        只是
        一试。
        """
        return {"task_id": task_id, **params}, {"Location": "/"}

    client = create_app(replace(config, AUTH="on")).test_client()
    path, found = f"{API}/tasks/{{task_id}}/try", {}
    for language in ("zh", "en"):
        answer = client.get("/openapi.json", headers={"Accept-Language": language})
        validate(answer.json)
        found[language] = answer.json["paths"][path]["post"]

    assert found["zh"]["summary"] == "试一试"
    assert found["zh"]["description"] == "只是一试。"
    operation = found["en"]
    assert operation["description"] == "It is but a try."
    assert (operation["operationId"], operation["tags"]) == ("try_it", ["tasks"])
    assert operation["requestBody"]["required"]
    made = operation["responses"]["201"]
    (content,) = made["content"].values()
    assert content["example"]["data"] == {
        "task_id": "task_1",
        "message": MESSAGES["answer.ready"][1],
    }
    assert {"Location", "X-Request-ID", "RateLimit", "RateLimit-Policy"} == set(
        made["headers"]
    )
    assert {"task_not_found", "not_found"} <= set(shown(operation, "404"))
    assert {"unauthorized", "api_key_invalid"} == set(shown(operation, "401"))
    assert {"400", "403", "413", "415", "422", "500", "503"} < set(
        operation["responses"]
    )


class Unsaid(Reply):
    wavelength = text(example="x")


def test_words_that_nobody_has_written_break_nothing(connection, config, monkeypatch):
    """The document and its page are there; they say in English what there is to say."""
    blp = DescribedBlueprint("new", __name__, url_prefix="/api/v1")
    monkeypatch.setattr(metrics, "bp", blp)

    @blp.get("/waves/<wave_id>", tags=["tasks"])
    @blp.response(200, Unsaid)
    def wave(wave_id: str) -> dict:
        """Look at a wave."""
        return {"wavelength": wave_id}

    client = create_app(config).test_client()
    answer = client.get("/openapi.json", headers={"Accept-Language": "zh"})

    validate(answer.json)
    operation = answer.json["paths"][f"{API}/waves/{{wave_id}}"]["get"]
    assert operation["summary"] == "Look at a wave."
    assert client.get("/docs").status_code == 200
