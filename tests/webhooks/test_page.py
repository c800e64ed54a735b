"""The account page of webhooks: made, tested, read, replayed, deleted."""

import re

from jimeng.web.account.webhooks import EVENTS
from tests.page import POST
from tests.rest import API, data_of

PAGE = "/account/webhooks"
ENGLISH = {"Accept-Language": "en"}


def send(client, path: str, **form: object):
    return client.post(path, data=form, headers={**POST, **ENGLISH})


def test_page_does_what_the_api_does(client, receiver, deliver):
    """From the form to the log in words."""
    made = send(client, PAGE, url=receiver.url, events=["task.failed"])
    assert made.status_code == 201
    assert made.headers["Cache-Control"] == "no-store"
    secret = re.search(r"whsec_[\w+/=]+", made.text)[0]
    assert secret not in client.get(PAGE).text
    (row,) = data_of(client.get(f"{API}/webhooks", query_string={"user_id": "guest"}))
    assert row["events"] == ["task.failed"]
    log = f"{PAGE}/{row['id']}"

    assert send(client, log, act="test").location.endswith(log)
    receiver.answer(500, b"<b>broken</b>")
    deliver()
    text = client.get(log, headers=ENGLISH).text
    assert "The receiver answered 500, not 2xx" in text
    assert "&lt;b&gt;broken&lt;/b&gt;" in text
    receiver.received[0].verified(secret)

    replay = re.search(rf'action="({log}/msg_\w+)"', text)[1]
    send(client, replay)
    deliver()
    assert "Delivered (204)" in client.get(log, headers=ENGLISH).text

    assert "whsec_" in send(client, log, act="rotate").text
    send(client, log, act="disable")
    assert "Disabled by its owner" in client.get(log, headers=ENGLISH).text
    assert "Disabled by its owner" in client.get(PAGE, headers=ENGLISH).text
    send(client, log, act="enable")
    send(client, log, act="replay")
    assert (
        "Webhook deleted"
        in client.get(send(client, log, act="delete").location, headers=ENGLISH).text
    )
    assert client.get(log).status_code == 404


def test_wrong_address_is_said_beside_the_field(client):
    """And what was chosen stays."""
    answer = send(client, PAGE, url="ftp://x", events=[EVENTS[0]])

    assert answer.status_code == 422
    assert "https only" in answer.text
    assert 'value="ftp://x"' in answer.text
    assert re.search(rf'value="{EVENTS[0]}" checked', answer.text)


def test_page_says_that_webhooks_are_off(client, app, config, configure, registry):
    """Where there is nothing to sign with."""
    configure(config, registry)

    text = client.get(PAGE, headers=ENGLISH).text

    assert "no SECRET_KEY" in text
    assert "<form" not in text.partition("<main")[2].partition("</main")[0]
