"""Looks at bytes that are kept."""

from bson import ObjectId

from jimeng.pictures.stores import Store
from tests.rest import result


def bytes_of(client, task_id: str) -> bytes:
    with client.get(result(client, task_id)["result"]["image_url"]) as answer:
        return answer.data


def bytes_in(store: Store, file_id: ObjectId) -> bytes:
    content = store.read(file_id)
    assert content is not None
    return content
