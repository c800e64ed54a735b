"""What the web server refuses before the application has it, in the API's own shape."""

import http.client
import json
import socket
from urllib.parse import urlsplit

import pytest

from tests.rest import API
from tests.serving import read_all

pytestmark = pytest.mark.system


def ask(server, path: str, headers: dict[str, str]) -> tuple[int, dict, dict]:
    """Status, headers and body."""
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    found = dict(answer.getheaders())
    body = json.loads(answer.read())
    connection.close()
    return answer.status, found, body


@pytest.mark.parametrize(
    "path, headers, status, code",
    [
        (f"{API}/models?q=" + "a" * 9000, {}, 414, "uri_too_long"),
        (f"{API}/models?q=" + "a" * 70_000, {}, 414, "uri_too_long"),
        (f"{API}/models", {"X-Long": "a" * 9000}, 431, "headers_too_large"),
        (f"{API}/models", {"X-Long": "a" * 70_000}, 431, "headers_too_large"),
        (
            f"{API}/models",
            {f"X-{n}": "a" for n in range(101)},
            431,
            "headers_too_large",
        ),
        (f"{API}/models", {"X Y": "a"}, 400, "bad_request"),
    ],
    ids=["line", "longer", "header", "longer header", "headers", "name"],
)
def test_refusal_is_json(live_server, path, headers, status, code):
    """The same shape as every other error, and a request id."""
    found, sent, body = ask(live_server, path, headers)

    assert (found, body["error"]) == (status, code)
    assert sent["Content-Type"] == "application/json"
    assert sent["X-Request-ID"] == body["request_id"]
    assert body["success"] is False
    assert body["message"]


@pytest.mark.parametrize("length, status", [(8190, 422), (8191, 414)])
def test_limit_is_as_described(live_server, length, status):
    start, end = f"GET {API}/models?q=", " HTTP/1.1"
    line = start + "a" * (length - len(start + end)) + end
    address = urlsplit(live_server.url)

    with socket.create_connection((address.hostname, address.port), 60) as sock:
        sock.sendall(f"{line}\r\nHost: {address.netloc}\r\n\r\n".encode())
        answer = sock.recv(100).decode(errors="replace")

    assert answer.startswith(f"HTTP/1.1 {status} ")


@pytest.mark.parametrize(
    "path, said",
    [
        (f"{API}/ai/image/task", "zz\r\n"),
        (f"{API}/ai/image/task", "2\r\n{}X0\r\n\r\n"),
        (f"{API}/ai/image/task", "2\r\n{}\r\n0\r\nHost: elsewhere\r\n\r\n"),
        ("/mcp", "zz\r\n"),
        ("/tasks", "zz\r\n"),
    ],
    ids=["size", "end", "trailer", "mcp", "page"],
)
def test_broken_chunks_are_the_clients_fault(live_server, path, said):
    """
    A 400 that closes the connection, also after the answer of a view that has read
    nothing; no error of the server's in its log.
    """
    address, before = urlsplit(live_server.url), live_server.log("web")
    head = f"POST {path} HTTP/1.1\r\nHost: {address.netloc}\r\n"
    head += "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"

    with socket.create_connection((address.hostname, address.port), 60) as sock:
        sock.sendall(f"{head}{said}".encode())
        answer = read_all(sock)

    last = answer.rpartition(b"HTTP/1.1 ")[2]
    assert last.startswith(b"400 ") and b"Connection: close" in last
    assert "Traceback" not in live_server.log("web")[len(before) :]
