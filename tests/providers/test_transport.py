"""A call that is answered, and what never has a say in it."""

import gzip
import threading

import pytest

from jimeng.providers.transport import AnswerLost, Unsent


def test_answer_is_whole(post, answering, answer_with):
    """Status, headers and body come back, whatever the status is."""
    server = answering(answer_with(429, b"busy", "X-Id: 7"))

    answer = post(server.url)

    assert (answer.status, answer.headers["x-id"], answer.body) == (429, "7", b"busy")


def test_compressed_answer_is_decoded(post, answering, answer_with):
    """A content encoding that nobody asked for is undone."""
    body = gzip.compress(b"picture" * 100)
    server = answering(answer_with(200, body, "Content-Encoding: gzip"))

    assert post(server.url).body == b"picture" * 100


@pytest.mark.parametrize("encoding", ["plain", "gzip"])
def test_answer_over_the_cap_counts_as_sent(post, answering, answer_with, encoding):
    """Too large an answer is dropped; small on the way and large in memory, too."""
    body, headers = bytes(100_000), ()
    if encoding == "gzip":
        body, headers = gzip.compress(body), ("Content-Encoding: gzip",)
    server = answering(answer_with(200, body, *headers))

    with pytest.raises(AnswerLost, match="larger than 50000 bytes"):
        post(server.url, cap=50_000)


def test_redirect_is_not_followed(post, answering, answer_with):
    """A signed request goes where it was meant to, and nowhere else."""
    server = answering(answer_with(307, b"", "Location: /elsewhere"))

    assert post(server.url).status == 307
    assert len(server.requests) == 1


def test_environment_has_no_say(post, answering, answer_with, monkeypatch):
    """A proxy in the environment is not used: it would see the signed request."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    server = answering(answer_with(200, b"direct"))

    assert post(server.url).body == b"direct"


def test_fresh_calls_share_no_connection(post, answering, answer_with):
    """Each gets its own, and leaves none behind for the next."""
    server = answering(answer_with(200, b"1"))

    post(server.url)
    post(server.url)

    assert server.connections == 2
    assert b"Connection: close" in server.requests[0]


def test_pooled_calls_share_a_connection(post, answering, answer_with):
    """Polls do not pay for a handshake each."""
    server = answering(answer_with(200, b"1"))

    post(server.url, fresh=False)
    post(server.url, fresh=False)

    assert server.connections == 1


def test_threads_do_not_see_each_other(post, serve, reset_connection):
    """What one thread sent does not make another's refused call look sent."""
    arrived, leave = threading.Event(), threading.Event()

    def behave(connection):
        server.read_request(connection)
        arrived.set()
        leave.wait(60)
        reset_connection(connection)

    server = serve(behave)
    kinds = []

    def send():
        with pytest.raises(AnswerLost) as caught:
            post(server.url, timeout=(1, 5))
        kinds.append(caught.type)

    thread = threading.Thread(target=send)
    thread.start()
    assert arrived.wait(60)
    with pytest.raises(Unsent):
        post("http://127.0.0.1:1")
    leave.set()
    thread.join(60)

    assert kinds == [AnswerLost]


def test_messages_do_not_quote_the_url(post):
    """A link's query may be a signature, and messages are logged."""
    with pytest.raises(Unsent) as caught:
        post("http://127.0.0.1:1/picture?x-signature=abc")

    assert "abc" not in str(caught.value)
    assert "abc" not in str(caught.value.__cause__)
