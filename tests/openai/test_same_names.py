"""
One thing has one name and one unit in REST, ``/v1``, ``/api/v3``, MCP and webhooks,
beside the names that each interface's own clients read.
"""

import json

import pytest

from jimeng.http.auth.authentication import GUEST
from jimeng.providers import Registry
from tests.mcp.conftest import Agent
from tests.openai.conftest import GENERATIONS
from tests.rest import CREATE, client_with

BUDGET = {"whose", "period", "reopens_at"}
BUDGET |= {"limit", "limit_micros", "used", "used_micros", "held", "held_micros"}
BUDGET |= {"needed", "needed_micros"}
ARK_PICTURES = "/api/v3/images/generations"
VIDEO = {"model": "doubao-seedance-1.0-pro", "prompt": "灯笼随风轻摆"}
RESULT = "/api/v1/ai/image/result/"
USER = "user_123"


@pytest.fixture
def registry(provider) -> Registry:
    names = ("volcengine_jimeng", "volcengine_ark")
    return Registry(dict.fromkeys(names, provider), dict.fromkeys(names, 100))


@pytest.fixture
def spent(config, registry):
    """A server with a budget for less than one picture of each user."""
    with client_with(config, registry, USER_DAILY_BUDGET=1) as client:
        yield client


def call(client, name: str, **arguments: object) -> dict:
    return Agent(client, is_stateless=True).call(name, **arguments)


def test_responses_name_the_user(client, provider):
    created = client.post(CREATE, json={"prompt": "cat", "user_id": USER}).json["data"]
    result = client.get(RESULT + created["task_id"]).json["data"]
    listed = call(client, "get_task", task_id=created["task_id"])["structuredContent"]

    assert created["user_id"] == result["user_id"] == listed["user_id"] == USER


def test_pictures_of_all_interfaces_name_user_and_cost(client, draws):
    body = {"prompt": "cat", "model": "jimeng-3.0"}
    found = [client.post(each, json=body).json for each in (GENERATIONS, ARK_PICTURES)]
    stream = client.post(ARK_PICTURES, json={**body, "stream": True}).text
    last = json.loads(stream.split("data: ")[-2])

    for each in (*found, last):
        assert each["user_id"] == GUEST
        assert {"cost", "cost_micros"} <= {*each}


def test_videos_of_all_interfaces_name_user_and_cost(client, database):
    ours = client.post("/v1/videos", json=VIDEO).json
    text = {"type": "text", "text": VIDEO["prompt"]}
    body = {"model": VIDEO["model"], "content": [text]}
    path = "/api/v3/contents/generations/tasks"
    made = client.post(path, json=body).json
    database.tasks.update_many({}, {"$set": {"costs": {"0": 2_500_000}}})

    found = [client.get(f"/v1/videos/{ours['id']}"), client.get(f"{path}/{made['id']}")]
    for each in found:
        assert each.json["user_id"] == GUEST
        assert (each.json["cost"], each.json["cost_micros"]) == ("2.50", 2_500_000)


def test_budget_has_the_same_fields_everywhere(spent):
    body = {"prompt": "cat", "user": USER}
    rest = spent.post(CREATE, json={"prompt": "cat", "user_id": USER})
    v1 = spent.post(GENERATIONS, json=body)
    ark = spent.post(ARK_PICTURES, json={**body, "model": "jimeng-3.0"})
    refused = call(spent, "generate_image", prompt="cat")

    assert rest.status_code == v1.status_code == ark.status_code == 402
    assert refused["isError"] and refused["_meta"]["error"] == "budget_exceeded"
    found = [rest.json, v1.json["error"], ark.json["error"], refused["_meta"]]
    assert [{*each["budget"]} for each in found] == [BUDGET] * 4
    assert {each["budget"]["period"] for each in found} == {"day"}


@pytest.mark.parametrize(
    ("language", "is_chinese"),
    [(None, False), ("*", False), ("zh-CN", True), ("en", False)],
)
def test_programs_that_name_no_language_read_english(client, language, is_chinese):
    """Official SDKs send no ``Accept-Language``, and their errors end in logs."""
    headers = {} if language is None else {"Accept-Language": language}
    v1 = client.post(GENERATIONS, json={"prompt": "cat", "n": 99}, headers=headers)
    ark = client.get("/api/v3/contents/generations/tasks/cgt-no", headers=headers)
    agent = Agent(client, is_stateless=True, **headers)
    tool = agent.call("get_task", task_id="volcengine_img_no")

    said = [v1.json["error"]["message"], ark.json["error"]["message"]]
    for each in (*said, tool["content"][0]["text"]):
        assert any(letter > "\u2e80" for letter in each) == is_chinese, each


def test_rest_speaks_chinese_unless_asked(client):
    refused = client.post(CREATE, json={"prompt": "cat", "n": 99})
    assert any(letter > "\u2e80" for letter in refused.json["message"])
