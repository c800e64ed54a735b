"""Each known answer, read by the real client and carried through the product."""

import logging
import re

import mongoengine
import pytest

from jimeng.errors import ProviderError
from jimeng.jobs.picture import WAIT_CODES
from jimeng.lanes import ACCOUNT_CODES
from jimeng.providers import ImageRequest
from tests.each import for_each
from tests.samples.outcomes import OURS, OUTCOMES, Outcome
from tests.samples.service import (
    ARK,
    FOLDER,
    SECRETS,
    VISUAL,
    pointed_at,
    real_clients,
    sample,
)

FINAL = {"never", "unknown"}
AGAIN = {"resend", "new seed"}  # what is submitted twice


def named(which: set[str]) -> list[str]:
    """
    All answers that bring something, and one refusal of each kind that the product
    tells apart: what the client makes of each `test_client_reads_it` knows.
    """
    found: dict[tuple, str] = {}
    for name, outcome in sorted(OUTCOMES.items()):
        told_apart = ACCOUNT_CODES | WAIT_CODES if outcome.call != "poll" else set()
        code = outcome.code if outcome.code in told_apart else None
        own = name if outcome.code is None else None
        kind = (outcome.call, outcome.then, outcome.charged, code, own)
        if outcome.then in which:
            found.setdefault(kind, name)
    return list(found.values())


def provider_of(outcome: Outcome) -> str:
    return ARK if outcome.call == "ark" else VISUAL


def id_of(request_id: str | None) -> str | None:
    """A name for a call that we made up is `OURS`."""
    is_ours = request_id and re.fullmatch(r"[0-9a-f]{32}", request_id)
    return OURS if is_ours else request_id


def read_by_client(registry, outcome: Outcome) -> dict:
    """Make the call and say what the client makes of the answer."""
    model = registry.model(outcome.model, provider_of(outcome))
    seed = 7 if model.takes_seed else None
    request = ImageRequest(model.req_key, "湖边的木屋", 1024, 1024, seed)
    client, is_poll = registry.provider(model.provider), outcome.call == "poll"
    names = ("code", "provider_code", "charged")
    try:
        if is_poll:
            found = client.poll("8350192746610382945", request)
        else:
            found = client.submit(request)
        then = "drawn" if found.done else "poll again" if is_poll else "accepted"
        told = dict.fromkeys(names) | {"charged": "yes" if found.done else "unknown"}
    except ProviderError as error:
        assert not any(secret in str(error) for secret in SECRETS)
        found, then = error, "new seed" if error.new_seed else "never"
        if error.maybe_accepted:
            then = "unknown"
        elif error.transient:
            then = "poll again" if is_poll else "resend"
        told = {name: getattr(error, name) for name in names}
    return {"then": then, **told, "request_id": id_of(found.request_id)}


@pytest.fixture
def lines(app):
    """All that is logged, as it is written."""
    root = logging.getLogger()
    level, (shown, *_) = root.level, root.handlers
    found: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: found.append(shown.format(record))
    root.addHandler(handler)
    root.setLevel("DEBUG")
    yield found
    root.setLevel(level)
    root.removeHandler(handler)


@pytest.fixture
def run(ask, lines, service, work_off):
    """Have a picture made while the service answers once as in the sample."""

    def run(outcome: Outcome, name: str, **fields) -> dict:
        service.say(outcome.call, [sample(name)])
        result = ask(outcome.model, provider=provider_of(outcome), **fields)
        work_off()
        texts = (str(result()), *lines, *everything())
        assert not [x for x in texts if any(secret in x for secret in SECRETS)]
        return result()

    return run


def everything() -> list[str]:
    database = mongoengine.get_db()
    names = database.list_collection_names()
    return [str(each) for name in names for each in database[name].find()]


def test_every_sample_has_an_outcome():
    """69 answers are known; none is without a row, and no row without its body."""
    assert {path.stem for path in FOLDER.glob("*.json")} == set(OUTCOMES)
    assert len(OUTCOMES) == 69


@for_each("name", sorted(OUTCOMES))
def test_client_reads_it(config, service, name):
    outcome = OUTCOMES[name]
    service.say(outcome.call, [sample(name)])

    read = read_by_client(real_clients(pointed_at(service, config)), outcome)

    assert read == {each: getattr(outcome, each) for each in read}


@pytest.mark.parametrize("name", named(FINAL))
def test_failure_is_recorded(run, service, name):
    outcome = OUTCOMES[name]

    data = run(outcome, name)

    error = data["error"]
    assert data["status"] == "failed"
    assert error["code"] == outcome.code
    assert error["provider_code"] == outcome.provider_code
    assert id_of(error["provider_request_id"]) == outcome.request_id
    assert error["charged"] == outcome.charged
    assert len(service.sent("submit", "process", "ark")) == 1


@pytest.mark.parametrize("name", named({"accepted", "drawn", "poll again", *AGAIN}))
def test_picture_comes(run, service, name):
    """What is not final is waited out, or sent once more, and costs no picture."""
    outcome = OUTCOMES[name]

    data = run(outcome, name)

    assert data["status"] == "completed"
    assert len(data["result"]["images"]) == 1
    sent = service.sent("submit", "process", "ark")
    assert len(sent) == (2 if outcome.then in AGAIN else 1)
    asked_twice = outcome.call == "poll" and outcome.then in {"poll again", "new seed"}
    has_tasks = outcome.call in {"submit", "poll"}
    assert len(service.sent("poll")) == has_tasks + asked_twice
