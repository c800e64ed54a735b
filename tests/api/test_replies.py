"""Answers are dumped by their schemas, in a way that is quicker than marshmallow's."""

import json

import pytest
from marshmallow import Schema

from jimeng import tasks
from jimeng.documents.principal import Principal
from jimeng.errors import ProviderError
from jimeng.operations import queue
from jimeng.schemas import model_responses, responses
from jimeng.schemas.fields import Reply
from jimeng.schemas.tasks import Created, TaskRecord, TaskResult
from jimeng.tasks import styles
from tests.rest import create

EVERYBODY = Principal("user_123", is_operator=True)


@pytest.fixture
def views(app, client, provider, work_off) -> list:
    """Tasks that failed, are done in part, done, and waiting."""
    ids = [create(client)]
    provider.submits = [ProviderError("no", code="content_refused_prompt")]
    work_off()
    provider.submits = [ProviderError("no", code="content_refused_prompt")]
    ids += [create(client, n=2), create(client)]
    work_off()
    ids.append(create(client))
    found = [tasks.find(EVERYBODY, task_id) for task_id in ids]
    return tasks.view_all(EVERYBODY, found, whole=True)


def test_the_quick_way_gives_what_marshmallow_gives(app, views, registry, monkeypatch):
    """The same names in the same order, and the same values, whatever is dumped."""
    board = queue.read_queue(EVERYBODY)
    shown = [(TaskResult(), view) for view in views]
    shown += [(TaskRecord(), view) for view in views]
    shown += [(Created(), view.task) for view in views]
    shown += [
        (model_responses.ModelRecord(), model) for model in registry.models.values()
    ]
    shown += [(model_responses.StyleRecord(), style) for style in styles.STYLES]
    shown += [(responses.QueueRecord(), board)]

    with app.test_request_context():
        quick = [schema.dump(what) for schema, what in shown]
        monkeypatch.setattr(Reply, "dump", Schema.dump)
        slow = [schema.dump(what) for schema, what in shown]

    assert {each["status"] for each in quick[:4]} == {"failed", "completed", "pending"}
    assert quick == slow
    assert [*map(order, quick)] == [*map(order, slow)]


def order(answer: dict) -> list[str]:
    return [line.partition(":")[0] for line in json.dumps(answer, indent=1).split("\n")]
