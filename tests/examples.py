"""What the examples of the API's description speak of, made as it is asked for."""

import io
from collections.abc import Callable
from dataclasses import dataclass, field

from jimeng.errors import ProviderError
from tests.conftest import FakeProvider
from tests.given_pictures import photo
from tests.rest import API, create, data_of, new_user

USER = "user_123"
# What stands for what in paths.
KINDS = {
    "{batch_id}": "batch",
    "{task_id}": "done",
    "{user_id}": "new_user",
    "{key_id}": "key",
    "{collection_id}": "collection",
    "{share_id}": "collection",
    "{prompt_id}": "prompt",
    "{webhook_id}": "webhook",
    "{delivery_id}": "delivery",
    "{upload_id}": "upload",
}
ORDER = {"order": "123"}


@dataclass
class Examples:
    """The examples' user, who has whatever a path names: one of each kind."""

    client: object
    provider: FakeProvider
    work_off: Callable[[], None]
    made: dict[str, str] = field(default_factory=lambda: {"examples_user": USER})

    def fill(self, path: str) -> str:
        """*path* with something there for each name in it."""
        for name in KINDS:
            if name in path:
                path = path.replace(name, self.one(kind_of(name, path)))
        return path

    def one(self, kind: str) -> str:
        if kind not in self.made:
            self.made[kind] = getattr(self, kind)()
        return self.made[kind]

    def batch(self) -> str:
        """One of which something is lacking."""
        self.provider.submits = [ProviderError("no", code="provider_failed")]
        body = {"template": "猫\n狗", "user_id": USER, "metadata": ORDER}
        made = data_of(self.client.post(f"{API}/batches", json=body), 202)["batch_id"]
        self.work_off()
        return made

    def done(self) -> str:
        """A completed task."""
        task_id = create(self.client, user_id=USER, metadata=ORDER)
        self.work_off()
        return task_id

    def cancelled(self) -> str:
        task_id = create(self.client, size="1:1", metadata=ORDER)
        self.client.post(f"{API}/tasks/{task_id}/cancel")
        return task_id

    def waiting(self) -> str:
        return create(self.client, metadata=ORDER)

    def new_user(self) -> str:
        return new_user(self.client)["id"]

    def key(self) -> str:
        where = f"{API}/users/{self.one('new_user')}/keys"
        return data_of(self.client.post(where, json={"name": "x"}), 201)["id"]

    def collection(self) -> str:
        """One with a picture in it, which is shared."""
        body = {"name": "海报", "user_id": USER}
        made = data_of(self.client.post(f"{API}/collections", json=body), 201)["id"]
        inside = {"add": [f"{self.one('done')}_0"]}
        self.client.post(f"{API}/collections/{made}/pictures", json=inside)
        data_of(self.client.put(f"{API}/shares/{made}", json={}))
        return made

    def prompt(self) -> str:
        body = {"name": "x", "prompt": "x", "n": 1, "seed": 1, "user_id": USER}
        body |= dict.fromkeys(("model", "size", "style"), "1") | {"quality": "hd"}
        return data_of(self.client.post(f"{API}/prompts", json=body), 201)["id"]

    def webhook(self) -> str:
        body = {"url": "https://example.com/hook", "user_id": USER}
        body |= {"events": ["task.completed"]}
        return data_of(self.client.post(f"{API}/webhooks", json=body), 201)["id"]

    def delivery(self) -> str:
        where = f"{API}/webhooks/{self.one('webhook')}/test"
        return data_of(self.client.post(where), 202)["id"]

    def upload(self) -> str:
        form = {"user_id": USER, "file": (io.BytesIO(photo()), "photo.jpg")}
        return data_of(self.client.post(f"{API}/uploads", data=form), 201)["id"]


def kind_of(name: str, path: str) -> str:
    """What a name in a path has to be there as, for what is done by it."""
    if name == "{task_id}" and path.endswith("/retry"):
        return "cancelled"
    if name == "{task_id}" and path.endswith("/cancel"):
        return "waiting"
    if name == "{user_id}" and ("/tasks/user/" in path or path.endswith("/usage")):
        return "examples_user"
    return KINDS[name]
