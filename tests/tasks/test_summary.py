"""How many tasks a user has in each state, without a look at each."""

from datetime import timedelta

import pytest

from jimeng import tasks
from jimeng.documents import Task, utcnow
from jimeng.documents.principal import Principal
from jimeng.tasks import queries, summary

ADA = Principal("ada")
KEPT = {"deleted_at": utcnow(), "purge_at": utcnow() + timedelta(days=7)}
DOOMED = {"deleted_at": utcnow()}


def write(n: int, status: str, user_id: str = "ada", **fields: object) -> None:
    common = {"prompt": "cat", "model": "m", "provider": "p", "lane": "l"}
    size = {"req_key": "r", "width": 64, "height": 64, "n": 1}
    rows = [
        {**Task.row(user_id=user_id, status=status, **common, **size), **fields}
        for _ in range(n)
    ]
    Task.collection().insert_many(rows)


def counted(user_id: str) -> dict[str, str]:
    found = summary.count_by_state(Principal(user_id), user_id)
    return {state: str(count) for state, count in found.items() if count}


@pytest.fixture(autouse=True)
def most(monkeypatch, database):
    monkeypatch.setattr(summary, "MAX_COUNTED", 4)


@pytest.mark.parametrize("gone", [KEPT, DOOMED])
def test_deleted_ones_do_not_count(gone):
    """In the trash, or about to go; others' are others'."""
    write(3, "completed")
    write(1, "completed", **gone)
    write(2, "failed", **gone)
    write(1, "cancelled")
    write(1, "pending")
    write(1, "pending", **gone)
    assert counted("ada") == {"completed": "3", "cancelled": "1", "pending": "1"}

    # Where the first that are counted may be those, all are read.
    write(5, "completed", "bob", **gone)
    write(3, "completed", "bob")
    write(2, "failed", "bob", **gone)
    write(5, "failed", "bob")
    write(4, "cancelled", "bob")
    assert counted("bob") == {"completed": "3", "failed": "4+", "cancelled": "4"}

    # More than are counted, of any state: nobody knows how many there are of each.
    write(9, "cancelled", "eve", **gone)
    write(2, "completed", "eve")
    write(1, "completed", "eve", **gone)
    assert counted("eve") == {"completed": "2"}
    assert counted("ada") == {"completed": "3", "cancelled": "1", "pending": "1"}


def test_page_of_a_search_is_cut_where_its_part_ends(monkeypatch):
    """Also among tasks of one moment: none is shown twice, and none left out."""
    monkeypatch.setattr(queries, "MAX_SEARCHED", 2)
    now = utcnow()
    write(5, "completed", created_at=now)

    numbers = summary.count_matches_by_state(ADA, "ada", "cat")
    pages = [tasks.page(ADA, "ada", q="cat")]
    while pages[-1].next_cursor:
        pages.append(tasks.page(ADA, "ada", q="cat", cursor=pages[-1].next_cursor))

    assert str(numbers["completed"]) == "2+"
    assert [len(each.rows) for each in pages] == [2, 2, 1]
    assert len({task.id for each in pages for task in each.rows}) == 5
