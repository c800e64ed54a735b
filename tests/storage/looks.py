"""Looks at bytes that are kept."""

from bson import ObjectId
from mongoengine import get_db

from jimeng import jobs
from jimeng.documents import Image
from jimeng.pictures.stores import Store
from tests.conftest import png
from tests.rest import result


def bytes_of(client, task_id: str) -> bytes:
    with client.get(result(client, task_id)["result"]["image_url"]) as answer:
        return answer.data


def bytes_in(store: Store, file_id: ObjectId) -> bytes:
    content = store.read(file_id)
    assert content is not None
    return content


def check_served(client, task_id: str) -> None:
    """Whole and in part, by links of this server; MongoDB holds none of the bytes."""
    url = result(client, task_id)["result"]["image_url"]
    assert "/i/" in url
    with client.get(url, headers={"Range": "bytes=10-19"}) as part:
        assert (part.status_code, part.data) == (206, png()[10:20])
    assert bytes_of(client, task_id) == png()
    assert get_db()["pictures.files"].count_documents({}) == 0
    assert jobs.runtime().store.size() == sum(
        row["bytes"] + row["thumbnail_bytes"] for row in Image.collection().find()
    )
