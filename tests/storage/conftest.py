"""Pictures kept in a directory of this test, or in a bucket of its own."""

import functools
import itertools
from collections.abc import Iterator
from dataclasses import replace

import botocore.session
import pytest

from jimeng import jobs
from jimeng.pictures.stores import ConfiguredStore, s3, s3_client
from tests.storage.front import Front, moto

_numbers = itertools.count(1)


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "pictures"


@pytest.fixture
def stored_in(app, config, registry, directory):
    """Has this process keep pictures there."""

    def choose(kind: str, **settings: object) -> ConfiguredStore:
        there = {"STORAGE": kind, "STORAGE_DIR": str(directory), **settings}
        chosen = replace(config, **there)
        app.config["JIMENG"] = chosen
        return jobs.configure(chosen, registry).store

    return choose


@pytest.fixture(scope="session", autouse=True)
def read_once() -> Iterator[None]:
    """botocore's descriptions of S3, which every bucket would read anew."""
    with pytest.MonkeyPatch.context() as patch:
        once = functools.cache(botocore.session.create_loader)
        patch.setattr(botocore.session, "create_loader", once)
        yield


@pytest.fixture(scope="session")
def objects():
    """The port of an object store."""
    with moto() as port:
        yield port


@pytest.fixture
def front(objects, monkeypatch):
    """A machine that is busy is no reason to take it for one that is away."""
    monkeypatch.setattr(s3_client, "TIMEOUT_S", (60.0, 60.0))
    monkeypatch.setattr(s3_client, "OPERATION_TIMEOUT_S", 120.0)
    monkeypatch.setattr(s3, "FRESH_S", 300.0)
    front = Front(objects)
    yield front
    front.close()


@pytest.fixture
def in_bucket(stored_in, front):
    """Has this process keep pictures in a bucket, or look there as well."""
    name = f"jimeng-test-{next(_numbers)}"
    front.make_bucket(name)

    def choose(kind: str = "s3", **settings: object) -> ConfiguredStore:
        bucket = {
            "S3_ENDPOINT": front.url,
            "S3_BUCKET": name,
            "S3_ACCESS_KEY": "its-access-key",
            "S3_SECRET_KEY": "its-secret-key",
            "STORAGE_DIR": "",
            "S3_ADDRESSING": "path",
        }
        return stored_in(kind, **bucket | settings)

    return choose
