"""How many pictures a user may have waiting, when many are asked for at once."""

from concurrent.futures import ThreadPoolExecutor

from jimeng.documents import Task
from tests.conftest import run_queue
from tests.rest import CAT, CREATE, client_with, create


def test_limit_holds_for_requests_at_once(app, config, registry):
    """However many come together, no more are taken than may wait."""
    with client_with(config, registry, USER_MAX_PENDING=5) as other:

        def send(_: int) -> int:
            return other.application.test_client().post(CREATE, json=CAT).status_code

        with ThreadPoolExecutor(20) as threads:
            statuses = list(threads.map(send, range(30)))

        assert Task.collection().count_documents({}) == statuses.count(202) <= 5
        assert set(statuses) == {202, 429}


def test_picture_that_is_sent_waits_no_longer(app, config, registry):
    """As many more may be asked for, at once."""
    with client_with(config, registry, USER_MAX_PENDING=2) as other:
        create(other, n=2)
        run_queue()

        create(other, n=2)
