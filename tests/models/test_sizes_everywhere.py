"""A ratio and a resolution are the same pixels, whichever interface is asked."""

from itertools import product

import pytest

from jimeng import tasks
from jimeng.documents import Task
from jimeng.errors import DatabaseUnavailable
from jimeng.openai.ark import PICTURES
from jimeng.providers import MODELS, Registry
from jimeng.providers.models.model import Size
from jimeng.providers.models.output_size import resolve_size
from jimeng.web.create import options
from tests.conftest import FakeProvider
from tests.given_pictures import photo
from tests.inputs.test_uploads import upload
from tests.mcp.conftest import Agent
from tests.openai.conftest import GENERATIONS
from tests.page import POST, PROMPT
from tests.rest import CREATE

VISUAL, ARK = "volcengine_jimeng", "volcengine_ark"
SIZED = [model for model in MODELS if not (model.follows or model.video)]


@pytest.fixture
def registry(provider) -> Registry:
    """Of both services."""
    return Registry({VISUAL: provider, ARK: FakeProvider()}, {VISUAL: 2, ARK: 2})


# By a model that makes 512 to 2048 pixels a side.
MADE = {"17x17": (512, 512), "600x200": (1536, 512), "5:4": (1520, 1216)}


@pytest.fixture
def requested(monkeypatch) -> list[Size]:
    """The size of each task that is requested; none is created."""
    found: list[Size] = []

    def note(principal, new: tasks.Request, *args: object, **how: object) -> None:
        model = tasks.creation.model_for(principal, new)
        found.append(resolve_size(model, new.size, new.quality))
        raise DatabaseUnavailable("nothing is created here")

    for name in ("create", "create_or_join"):
        monkeypatch.setattr(tasks, name, note)
    return found


def test_all_interfaces_make_the_same_pixels(client, requested):
    """REST has no name for the other ratios of a keyword's area."""
    given = upload(client, photo())["id"]
    for model in SIZED:
        inputs = [given] if model.needs_images else []
        common = {"prompt": PROMPT, "model": model.req_key}
        for ratio, each in product(model.sizes, options.resolutions(model)):
            form = {**common, "size": ratio, "resolution": each.value, "image": inputs}
            client.post("/tasks", data={**form, "n": "1"}, headers=POST)
            (shown,) = requested
            keyword = {"size": each.value} if each.value in model.keywords else {}
            body = {"quality": each.quality or "auto", **keyword, "image": inputs}
            client.post(GENERATIONS, json={**common, **body, "aspect_ratio": ratio})
            if each.quality or ratio == "1:1":
                size = (
                    {"size": ratio, "quality": each.quality}
                    if each.quality
                    else keyword
                )
                more = {"images": inputs} if inputs else {}
                client.post(CREATE, json={**common, **size, **more, "user_id": "u"})
                assert len(requested) == 3
            assert set(requested) == {shown}, (model.lane, ratio, each.value)
            assert len(requested) >= 2
            requested.clear()


def by_rest(client, **fields: str) -> str:
    return client.post(CREATE, json={**fields, "user_id": "u"}).text


def by_openai(client, **fields: str) -> str:
    return client.post(GENERATIONS, json=fields).text


def by_ark(client, **fields: str) -> str:
    return client.post(PICTURES, json=fields).text


def by_agent(client, **fields: str) -> str:
    agent = Agent(client, is_stateless=True)
    return agent.ask("tools/call", {"name": "generate_image", "arguments": fields}).text


def by_page(client, **fields: str) -> str:
    return client.post("/tasks", data={**fields, "n": "1"}, headers=POST).text


EVERYWHERE = [by_rest, by_openai, by_ark, by_agent, by_page]
WORDS = {"prompt": PROMPT, "model": "jimeng-3.0"}


@pytest.mark.parametrize("size", MADE)
def test_size_that_no_model_has_is_the_same_pixels_everywhere(client, requested, size):
    for ask in EVERYWHERE:
        ask(client, size=size, **WORDS)

    assert requested == [MADE[size]] * len(EVERYWHERE)


@pytest.mark.parametrize(
    ("size", "nearest"), [("1000x10", "2048x512"), ("9000x9000", "2048x2048")]
)
def test_size_that_cannot_be_made_names_the_nearest_everywhere(client, size, nearest):
    """A picture of that size is made, if the client asks again."""
    for ask in EVERYWHERE:
        told = ask(client, size=size, **WORDS)
        assert nearest in told and "512" in told, ask

    assert Task.find_all({}) == []
    width, height = nearest.split("x")
    told = by_rest(client, size=nearest, **WORDS)
    assert f'"width":{width},"height":{height}' in told
    assert [f"{each.width}x{each.height}" for each in Task.find_all({})] == [nearest]
