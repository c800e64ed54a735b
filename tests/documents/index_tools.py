"""Unique indexes, taken away and put in the way."""

from jimeng.documents import indexes
from tests.rest import CAT, CREATE

KEY = {"Idempotency-Key": "one"}
IDEM = indexes.IDEMPOTENCY
UNIQUE = [label for label, index in indexes.declared().items() if index.is_unique]


def drop(database, label: str) -> indexes.Index:
    index = indexes.declared()[label]
    database[index.collection].drop_index(index.name)
    return index


def replace(database, label: str, keys: dict | None = None, **options) -> None:
    """Put another index under the name of one of ours."""
    index = drop(database, label)
    made = list((keys or dict(index.keys)).items())
    database[index.collection].create_index(made, name=index.name, **options)


def ask_twice(client) -> list[int]:
    """The same request twice under one key: statuses."""
    return [client.post(CREATE, json=CAT, headers=KEY).status_code for _ in range(2)]
