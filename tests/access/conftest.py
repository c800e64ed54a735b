"""A server that asks who one is, and people who have something to show."""

import secrets
from dataclasses import dataclass, replace

import mongoengine
import pytest
from werkzeug.test import TestResponse

from jimeng import accounts
from jimeng.accounts import users
from jimeng.config import Config
from jimeng.documents import User
from jimeng.documents.principal import Principal
from tests.conftest import make_as_new
from tests.page import POST

OPERATOR = Principal("operator", is_operator=True)
PASSWORD = "correct horse battery"


@dataclass
class Person:
    """
    Attributes:
        client: A browser of theirs.
        key: An API key of theirs, with all scopes they may have.
    """

    user: User
    client: object
    key: str

    @property
    def id(self) -> str:
        return self.user.id

    def record(self) -> User:
        """What is stored of them now."""
        found = User.find_one({"_id": self.id})
        assert found is not None
        return found

    def api(self, method: str, path: str, **kwargs) -> TestResponse:
        """Ask the API as this person."""
        return call(self.client, method, path, key=self.key, **kwargs)

    def sign_in(self, password: str = PASSWORD, **fields: str) -> TestResponse:
        data = {"email": self.user.email, "password": password, **fields}
        return self.client.post("/sign-in", data=data, headers=POST)


def call(client, method: str, path: str, *, key: str, **kwargs) -> TestResponse:
    headers = {**kwargs.pop("headers", {}), "Authorization": f"Bearer {key}"}
    return client.open(path, method=method, headers=headers, **kwargs)


@pytest.fixture(scope="session")
def closed(config) -> Config:
    """Sign-in is on."""
    return replace(config, AUTH="on", SECRET_KEY=secrets.token_hex(32))


@pytest.fixture(scope="session")
def built_closed(closed):
    """The application with sign-in on, built once."""
    from app import create_app

    return create_app(closed)


@pytest.fixture
def secured(built_closed, database, closed, configure, registry):
    """The application with sign-in on."""
    make_as_new(built_closed, closed)
    configure(closed, registry)
    return built_closed


@pytest.fixture
def stored(secured):
    """The database as it is."""
    return mongoengine.get_db()


@pytest.fixture
def nobody(secured):
    """Somebody who has nothing to show."""
    return secured.test_client()


def make_person(app, email: str, *, role: str = "user") -> Person:
    user = users.create(OPERATOR, email=email, name=email.partition("@")[0])
    if role != "user":
        user = users.set_role(OPERATOR, user.id, role)
    user = accounts.accept(accounts.invite(OPERATOR, user.id), PASSWORD)
    scopes = ["read", "write", "account"] + (["admin"] if role == "admin" else [])
    _, key = accounts.create_key(OPERATOR, user.id, name="test", scopes=scopes)
    return Person(user, app.test_client(), key)


@pytest.fixture
def ada(secured) -> Person:
    return make_person(secured, "ada@example.com")


@pytest.fixture
def bob(secured) -> Person:
    return make_person(secured, "bob@example.com")


@pytest.fixture
def admin(secured) -> Person:
    return make_person(secured, "root@example.com", role="admin")
