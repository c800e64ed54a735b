"""Pictures in an object store: kept, served, and no link of its own for anybody."""

import contextlib
import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from mongoengine import get_db

from jimeng import jobs
from jimeng.documents import Image
from jimeng.errors import ConfigError, StorageUnavailable
from jimeng.jobs import janitor
from jimeng.pictures.contents import PIECE_BYTES
from jimeng.pictures.stores import choose, configured, s3_client
from tests.conftest import png
from tests.each import for_each
from tests.rest import create, result
from tests.storage.looks import bytes_of

LATER = datetime.now(UTC) + timedelta(days=1)


def test_object_comes_back_as_it_was(in_bucket, front):
    """Whole or from a place on; it is counted, and goes again."""
    store = in_bucket().first
    content = bytes(range(256)) * 4000
    first, second = store.save_together("image-1", content, b"small")

    assert b"".join(store.open_range(first, len(content) - 5)) == content[-5:]
    pieces = [*store.open_range(first)]
    assert b"".join(pieces) == content
    assert max(map(len, pieces)) == PIECE_BYTES
    assert front.count("PUT") == 2
    assert (store.size(), store.count()) == (len(content) + 5, 2)
    store.delete(first)
    store.delete(first)
    assert store.read(first) is None
    assert store.saved_before(LATER, after=None, limit=9) == {second: "image-1"}
    assert store.size() == 5


def test_pictures_are_served_from_the_bucket(client, work_off, in_bucket, front):
    """Whole and in part, by links of this server alone; MongoDB holds no bytes."""
    in_bucket(S3_PREFIX="some/where/")
    task_id = create(client)
    work_off()

    url = result(client, task_id)["result"]["image_url"]
    with client.get(url, headers={"Range": "bytes=10-19"}) as part:
        assert (part.status_code, part.data) == (206, png()[10:20])
    assert bytes_of(client, task_id) == png()
    assert "/i/" in url
    assert get_db()["pictures.files"].count_documents({}) == 0
    assert jobs.runtime().store.size() == sum(
        row["bytes"] + row["thumbnail_bytes"] for row in Image.collection().find()
    )
    assert all("/some/where/pictures/" in path for _, path in front.seen)


def test_what_no_picture_names_is_swept_from_the_bucket(
    client, work_off, in_bucket, monkeypatch
):
    """And the rest stays."""
    store = in_bucket()
    task_id = create(client)
    work_off()
    idle = store.save(b"idle", "nobody")

    monkeypatch.setattr(janitor, "UNREFERENCED_AFTER", timedelta(days=-1))
    janitor.sweep_files()

    assert store.read(idle) is None
    assert bytes_of(client, task_id) == png()


@for_each(
    ("style", "endpoint", "found"),
    [
        ("auto", "", "virtual"),
        ("auto", "https://tos-s3-cn-beijing.volces.com", "virtual"),
        ("auto", "http://minio:9000", "path"),
        ("path", "https://objects.example.com", "path"),
        ("virtual", "http://localhost:9000", "virtual"),
    ],
)
def test_bucket_stands_where_the_store_wants_it(style, endpoint, found):
    """Before the host's name for TOS and AWS, in the path for MinIO."""
    assert s3_client.addressing(style, endpoint) == found


def test_bucket_before_the_host(in_bucket, front, monkeypatch):
    """The name of the host has the bucket's in it, and the path has not."""
    endpoint = front.url.replace("127.0.0.1", "objects.test")
    store = in_bucket(S3_ENDPOINT=endpoint, S3_ADDRESSING="virtual").first
    looked_up = socket.getaddrinfo

    def here(host: str, *more: object) -> list:
        return looked_up("127.0.0.1" if host.endswith(".test") else host, *more)

    monkeypatch.setattr(socket, "getaddrinfo", here)
    with contextlib.suppress(StorageUnavailable):  # moto knows other names only
        store.save(b"one", "image-1")

    name, _, host = front.headers[0]["Host"].partition(".")
    assert name.startswith("jimeng-test-")
    assert host == endpoint.removeprefix("http://")
    assert front.seen[0][1].startswith("/pictures/")


def test_without_its_packages_nothing_starts(config, monkeypatch):
    """And what to install is said."""
    monkeypatch.setattr(configured, "find_spec", lambda name: None)
    wanted = replace(config, STORAGE="s3", S3_BUCKET="mine")

    with pytest.raises(ConfigError, match=r"pip install .*requirements-s3\.txt"):
        list(choose(wanted, "pictures"))


def test_requests_are_what_tos_understands(in_bucket, front):
    """Neither checksums that only AWS knows, nor a body in its own framing."""
    store = in_bucket().first
    store.save(b"one", "image-1")

    (headers,) = front.headers
    odd = ("x-amz-checksum", "x-amz-sdk-checksum", "x-amz-trailer", "expect")
    assert not [each for each in headers if each.lower().startswith(odd)]
    assert headers["Content-Length"] == "3"
    assert "Content-Encoding" not in headers
