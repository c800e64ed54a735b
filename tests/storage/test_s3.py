"""Pictures in an object store: kept, served, given, with no link for others."""

import contextlib
import http.client
import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from jimeng import jobs
from jimeng.config import logs
from jimeng.documents import Generation, Input
from jimeng.errors import ConfigError, StorageUnavailable
from jimeng.jobs import inputs as going_in
from jimeng.jobs import pump
from jimeng.pictures.contents import PIECE_BYTES
from jimeng.pictures.stores import choose, configured, s3_client
from jimeng.providers.inputs import fetches_from_store
from jimeng.providers.models.model import LACKS_ADDRESS
from jimeng.providers.registry import Registry
from tests import given_pictures as given
from tests.conftest import come_due, run_queue
from tests.each import for_each
from tests.inputs.test_going_in import I2I
from tests.inputs.test_links import REFERENCES
from tests.inputs.test_uploads import send, upload
from tests.rest import create, result
from tests.storage.front import Trouble
from tests.storage.looks import check_served

LATER = datetime.now(UTC) + timedelta(days=1)


def test_object_comes_back_as_it_was(in_bucket, front):
    store = in_bucket().first
    content = bytes(range(256)) * 4000
    first, second = store.save_together("image-1", content, b"small")

    assert b"".join(store.open_range(first, len(content) - 5)) == content[-5:]
    pieces = [*store.open_range(first)]
    assert b"".join(pieces) == content
    assert max(map(len, pieces)) == PIECE_BYTES
    assert front.count("PUT") == 2
    # Neither checksums that only AWS knows, nor a body in its own framing: for TOS.
    odd = ("x-amz-checksum", "x-amz-sdk-checksum", "x-amz-trailer", "expect")
    for headers in front.headers[:2]:
        assert not [each for each in headers if each.lower().startswith(odd)]
        assert headers["Content-Length"] in (f"{len(content)}", "5")
        assert "Content-Encoding" not in headers
    assert (store.size(), store.count()) == (len(content) + 5, 2)
    store.delete(first)
    store.delete(first)
    assert store.read(first) is None
    assert store.saved_before(LATER, after=None, limit=9) == {second: "image-1"}
    assert store.size() == 5


def test_pictures_are_served_from_the_bucket(client, drawn, in_bucket, front):
    """Below the prefix that was chosen."""
    in_bucket(S3_PREFIX="some/where/")
    task_id = drawn()

    check_served(client, task_id)
    assert all("/some/where/pictures/" in path for _, path in front.seen)


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
    monkeypatch.setattr(configured, "find_spec", lambda name: None)
    wanted = replace(config, STORAGE="s3", S3_BUCKET="mine")

    with pytest.raises(ConfigError, match=r"pip install .*requirements-s3\.txt"):
        list(choose(wanted, "pictures"))


OURS = {"S3_ENDPOINT": "https://tos-s3-cn-beijing.volces.com", "S3_BUCKET": "mine"}
PROVIDER = "https://visual.volcengineapi.com"


def work(times: int = 4) -> None:
    for _ in range(times):
        come_due()
        pump.tick()
        run_queue()


def test_provider_fetches_what_goes_in_from_the_store(client, provider, in_bucket):
    """By a link that is signed, ends, and says what comes; without a SECRET_KEY."""
    in_bucket()
    images = [upload(client)["id"], upload(client, given.photo(6))["id"]]
    create(client, model=REFERENCES, images=images)
    work(2)

    (request,) = provider.requests
    first, second = (urlsplit(each.link) for each in request.inputs)
    asked = parse_qs(first.query)
    assert asked["X-Amz-Expires"] == ["3600"]
    assert asked["response-content-type"] == ["image/jpeg"]
    assert logs.masked(request.inputs[0].link).endswith("X-Amz-Signature=…")
    connection = http.client.HTTPConnection(second.netloc)
    connection.request("GET", f"{second.path}?{second.query}")
    answer = connection.getresponse()
    about = Input.collection().find_one({"_id": images[1]})
    assert len(answer.read()) == about["bytes"]
    assert answer.headers["Content-Type"] == "image/jpeg"
    connection.close()


@for_each(
    ("settings", "reaches"),
    [
        ({"STORAGE": "s3"}, True),
        ({"STORAGE": "s3", "S3_ENDPOINT": ""}, True),
        ({"STORAGE": "s3", "S3_ENDPOINT": "http://minio:9000"}, False),
        ({"STORAGE": "s3", "S3_ENDPOINT": "https://tos-s3-a.ivolces.com"}, False),
        (
            {
                "STORAGE": "s3",
                "S3_ENDPOINT": "http://minio:9000",
                "S3_PUBLIC_ENDPOINT": "https://objects.example.com",
            },
            True,
        ),
        ({"STORAGE": "gridfs"}, False),
    ],
)
def test_models_that_take_links_need_a_store_that_can_be_reached(
    config, settings, reaches
):
    """From outside; else PUBLIC_URL, as ever."""
    asked = replace(config, **{**OURS, **settings})

    assert fetches_from_store(asked, PROVIDER) is reaches
    keys = {"VOLCENGINE_ACCESS_KEY": "a", "VOLCENGINE_SECRET_KEY": "b"}
    models = Registry.from_config(replace(asked, **keys)).models.values()
    linked = [each for each in models if each.takes and each.takes.travels == "link"]
    assert {each.lacks for each in linked} == ({None} if reaches else {LACKS_ADDRESS})


def test_what_goes_in_waits_for_the_store(client, provider, in_bucket, front):
    """It is neither said to be lost nor sent without it; then it is sent, once."""
    in_bucket()
    created = create(client, model=I2I, images=[upload(client)["id"]])
    front.trouble = Trouble(code="AccessDenied")
    work()
    states = Generation.collection().distinct("state", {"task_id": created})
    assert provider.requests == []
    assert set(states) <= {"preparing", "starting", "queued"}

    front.trouble = None
    Input.collection().update_many({}, {"$unset": {"not_before": "", "owner": ""}})
    work(6)

    assert len(provider.requests) == 1
    assert result(client, created)["status"] == "completed"


def test_address_is_not_fetched_as_long_as_there_is_no_place(
    client, in_bucket, front, monkeypatch
):
    """Nor again, once it was: what came is kept next to the documents."""
    fetched: list[str] = []
    monkeypatch.setattr(
        going_in,
        "fetch_user_url",
        lambda url, **k: fetched.append(url) or given.photo(),
    )
    in_bucket()
    front.trouble = Trouble(on=("PUT",), code="QuotaExceeded")
    first, second = (f"https://example.com/{n}.jpg" for n in (1, 2))
    create(client, model=I2I, images=[first])
    work(3)
    assert fetched == [first]
    create(client, model=I2I, images=[second])
    work(3)
    assert fetched == [first]

    front.trouble = None
    Input.collection().update_many({}, {"$unset": {"not_before": "", "owner": ""}})
    work(3)

    assert fetched == [first, second]
    assert jobs.runtime().inputs.first.count() > 0


def test_upload_is_refused_while_the_store_is_away(client, in_bucket, front):
    """With a time to come again; nothing is left of it but what is swept."""
    in_bucket()
    front.trouble = Trouble(code="AccessDenied")

    answer = send(client, given.photo())

    assert (answer.status_code, answer.json["error"]) == (503, "storage_unavailable")
    assert answer.headers["Retry-After"] == "5"
    assert Input.collection().count_documents({}) == 0
