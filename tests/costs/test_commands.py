"""``flask costs``: what is unknown, what is decided, and the sums once more."""

import pytest

from jimeng.documents import CostSum, Generation
from tests.conftest import come_due
from tests.costs.conftest import PRICE, expire_lease, settle
from tests.costs.test_settlement import UNKNOWN
from tests.rest import create, result


@pytest.fixture
def costs(app, monkeypatch):
    """Runs the command, with this connection, and returns its output."""
    from contextlib import nullcontext

    from jimeng.cli import costs as module

    monkeypatch.setattr(module, "databases", nullcontext)

    def run(*args: str, status: int = 0) -> str:
        found = app.test_cli_runner().invoke(args=["costs", *args])
        assert found.exit_code == status, found.output
        return found.output

    return run


def test_unknown_is_listed_and_decided(client, provider, work_off, costs):
    """With the price and the account, for a look at the bill."""
    provider.submits = [UNKNOWN]
    task_id = create(client)
    work_off()
    come_due(state="unknown")
    work_off()
    settle()

    listed = costs("unknown")
    said = costs("decide", f"{task_id}_0", "no")
    costs("decide", f"{task_id}_0", "yes", status=1)

    assert f"{task_id}_0" in listed
    assert "¥0.20  main" in listed
    assert listed.endswith("unknown: 1\n")
    assert said == "charged: no\n"
    assert Generation.find_one({}).charged == "no"
    settle()
    assert result(client, task_id)["error"]["cost"] == "0.00"
    assert costs("unknown") == "unknown: 0\n"


def test_rebuild_says_what_it_corrected(client, work_off, costs):
    """None, if nothing is wrong."""
    create(client)
    work_off()
    settle()
    expire_lease()

    assert costs("rebuild") == "sums: 3\ncorrected: 0\n"
    CostSum.collection().update_one({"of": "all"}, {"$inc": {"micros": -PRICE}})
    assert costs("rebuild") == "sums: 3\ncorrected: 1\n"
