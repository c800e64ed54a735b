"""Addresses on the inside are refused with the request, however they are written."""

import socket

import pytest

from tests.each import for_each
from tests.rest import CAT, CREATE, errors_of

EDITED = "doubao-seedream-4.0"  # takes pictures
HOSTS = [
    *("127.1", "2130706433", "0x7f.0.0.1", "0177.0.0.1", "１２７.0.0.1", "10.0.0.1."),
    *("[::ffff:127.0.0.1]", "a.localhost", socket.gethostname(), "LOCALHOST"),
]


@for_each("host", HOSTS)
def test_inside_is_refused_at_once(client, host):
    """Not first at the delivery, or when the picture is fetched."""
    url = f"https://{host}/a.png"
    for body, field in (
        ({**CAT, "webhook_url": url}, "webhook_url"),
        ({**CAT, "model": EDITED, "images": [url]}, "images"),
    ):
        answer = client.post(CREATE, json=body)

        assert answer.status_code == 422, url
        assert field in str(errors_of(answer)), url


@pytest.mark.parametrize("host", ["1.1.1.1", "16843009", "images.example.com"])
def test_what_may_be_outside_is_taken(client, host):
    """What is missing then is the secret that signs events."""
    body = {**CAT, "webhook_url": f"https://{host}/hook"}

    assert client.post(CREATE, json=body).status_code == 409
