"""A route that is added is described in full, of itself."""

from dataclasses import replace
from typing import ClassVar

import pytest
from openapi_spec_validator import validate

from app import create_app
from jimeng.api.openapi.blueprint import DescribedBlueprint
from jimeng.i18n import MESSAGES, t
from jimeng.monitoring import metrics
from jimeng.schemas import reference_texts
from jimeng.schemas.fields import Reply, Strict, Trimmed, text
from tests.rest import API, operation_of
from tests.test_openapi import shown


class Asked(Strict):
    prompt = Trimmed(required=True)
    examples: ClassVar = {"usual": {"prompt": "x"}}


class Answered(Reply):
    task_id = text(example="task_1")
    message = text(of=lambda said: t("answer.ready"), example=MESSAGES["answer.ready"])


class Unsaid(Reply):
    wavelength = text(example="x")


@pytest.fixture
def client(connection, config, monkeypatch):
    """An application with two more routes; of one nobody has written the words."""
    said = reference_texts.chinese()["description"]
    monkeypatch.setitem(said, "Try it.", "试一试")
    monkeypatch.setitem(said, "It is but a try.", "只是一试。")
    blp = DescribedBlueprint("new", __name__, url_prefix="/api/v1")
    monkeypatch.setattr(metrics, "bp", blp)  # in whose place it is registered

    @blp.post("/tasks/<task_id>/try", tags=["tasks"])
    @blp.arguments(Asked)
    @blp.response(201, Answered)
    @blp.describe(errors=["task_not_found"], always=["Location"])
    def try_it(params: dict, task_id: str) -> tuple[dict, dict]:
        """
        Try it.

        It is
        but a try.
        """
        return {"task_id": task_id, **params}, {"Location": "/"}

    @blp.get("/waves/<wave_id>", tags=["tasks"])
    @blp.response(200, Unsaid)
    def wave(wave_id: str) -> dict:
        """Look at a wave."""
        return {"wavelength": wave_id}

    return create_app(replace(config, AUTH="on")).test_client()


def test_new_route_is_described_in_full(client):
    """Its view, its schemas and its words are all: the document has the rest. Where
    there are no words it says in English what there is to say."""
    route, found = f"{API}/tasks/{{task_id}}/try", {}
    for language in ("zh", "en"):
        answer = client.get("/openapi.json", headers={"Accept-Language": language})
        found[language] = operation_of(answer.json, route, "post")
        unsaid = answer.json["paths"][f"{API}/waves/{{wave_id}}"]["get"]
        assert unsaid["summary"] == "Look at a wave."

    validate(answer.json)
    assert client.get("/docs").status_code == 200
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
