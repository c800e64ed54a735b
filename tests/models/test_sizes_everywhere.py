"""A ratio and a resolution are the same pixels, whichever interface is asked."""

from itertools import product

import pytest

from jimeng import tasks
from jimeng.errors import DatabaseUnavailable
from jimeng.providers import MODELS, Registry
from jimeng.providers.models.model import Size
from jimeng.web.create import options
from tests.conftest import FakeProvider
from tests.given_pictures import photo
from tests.inputs.test_uploads import upload
from tests.openai.conftest import GENERATIONS
from tests.page import POST, PROMPT
from tests.rest import CREATE

VISUAL, ARK = "volcengine_jimeng", "volcengine_ark"
SIZED = [model for model in MODELS if not (model.follows or model.video)]


@pytest.fixture
def registry(provider) -> Registry:
    """Of both services."""
    return Registry({VISUAL: provider, ARK: FakeProvider()}, {VISUAL: 2, ARK: 2})


@pytest.fixture
def requested(monkeypatch) -> list[Size]:
    """The size of each task that is requested; none is created."""
    found: list[Size] = []

    def note(principal, new: tasks.Request, *args: object, **how: object) -> None:
        model = tasks.creation.model_for(principal, new)
        found.append(model.resolve_size(new.size, new.quality))
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
