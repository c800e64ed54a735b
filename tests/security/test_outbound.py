"""Links and answers that make this server fetch what it must not, or without an end."""

import gzip
import os
import socket
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from jimeng.errors import ProviderError
from jimeng.providers import ImageRequest
from jimeng.providers.ark import ArkProvider
from jimeng.providers.download import FetchFailed, fetch_picture, is_public
from jimeng.providers.transport import parse
from jimeng.providers.visual import VisualProvider
from tests.each import for_each

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n"
OK = HEAD + b"Content-Length: 6\r\n\r\nsecret"
HERE = ("127.0.0.1",)
NAME = ("pictures.example",)


OWN = [
    *("127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1"),
    *("0177.0.0.1", "017700000001", "0177.0x0.1", "0", "0.0.0.0", "0x0"),
    *("localhost", "LOCALHOST", "localhost.", "127.0.0.1.", "ip6-localhost"),
    *("[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0::1]"),
    *("[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[fe80::1]"),
    *("①②⑦.⓪.⓪.①", "127。0。0。1", "%31%32%37.0.0.1", "127.0.0.1%00.example"),
    *("example@127.0.0.1", "1.1.1.1:80@127.0.0.1", "1.1.1.1\\@127.0.0.1"),
    *("127.0.0.1#@1.1.1.1", "127.0.0.1?@1.1.1.1", "127.0.0.1\t", "\n127.0.0.1"),
]
INSIDE = [
    *("10.1.2.3", "172.31.0.1", "192.168.0.1", "127.255.0.1", "0.1.2.3"),
    *("169.254.169.254", "169.254.170.2", "100.100.100.200", "192.0.0.192"),
    *("168.63.129.16", "192.0.0.8", "192.0.2.1", "192.88.99.1", "198.51.100.1"),
    *("203.0.113.1", "224.0.0.251", "239.255.255.250", "240.0.0.1"),
    *("::ffff:169.254.169.254", "::ffff:0:127.0.0.1", "::127.0.0.1"),
    *("64:ff9b::a9fe:a9fe", "64:ff9b:1::7f00:1", "64:ff9b::c000:c0"),
    *("2002:a9fe:a9fe::1", "2002:a83f:8110::", "2001:0:7f00:1::"),
    *("2001:0:4136:e378:8000:63bf:807f:fffe", "fd00:ec2::254", "fc00::1"),
    *("fe80::1%1", "fec0::1", "ff02::fb", "ff0e::1", "100::1", "2001:db8::1"),
    *("2001:2::1", "2001:10::1", "5f00::1", "4000::1", "e000::1"),
    *("100.64.0.1", "198.18.0.1", "255.255.255.255", "0.0.0.0", "::", "::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "::7f00:1"),
]


def test_own_machine_in_every_spelling(serve):
    """Whatever name a link gives this machine, nothing is asked of it."""
    server = serve(OK)

    for host in OWN:
        with pytest.raises(FetchFailed):
            fetch_picture(f"http://{host}:{server.port}/", allowed_private=())
            pytest.fail(host)
        assert server.requests == [], host


def test_addresses_inside():
    assert [address for address in INSIDE if is_public(address)] == []


def test_address_that_changes_after_the_check(serve, names):
    """A name is looked up once: what a second answer would say does not matter."""
    server = serve(OK)
    asked = names(pictures=[["127.0.0.9"], ["127.0.0.1"]])
    url = f"http://pictures.example:{server.port}/"

    with pytest.raises(FetchFailed):
        fetch_picture(url, allowed_private=NAME)

    # (The first is no public address only because tests may not leave the machine.)
    assert asked[0] == "pictures.example"
    assert set(asked[1:]) <= {"127.0.0.9"}
    assert server.requests == []


@for_each(
    "answers",
    [
        ["1.1.1.1", "127.0.0.1"],
        ["127.0.0.1", "1.1.1.1"],
        ["2606:4700::1111", "::1"],
        ["2606:4700::1111", "::ffff:10.0.0.1"],
    ],
)
def test_name_with_an_address_inside_among_others(names, answers):
    """One is enough to refuse the name, in whatever place it stands."""
    names(pictures=[answers])

    with pytest.raises(FetchFailed, match="not on the public internet"):
        fetch_picture("http://pictures.example/", allowed_private=())


@for_each("status", [301, 302, 303, 307, 308])
@for_each(
    "target", ["http://127.0.0.1:{}/", "//127.0.0.1:{}/", "file:///etc/passwd", "/in"]
)
def test_redirect_leads_nowhere(serve, status, target):
    inside = serve(OK)
    head = f"HTTP/1.1 {status} Go\r\nLocation: {target.format(inside.port)}\r\n"
    outside = serve(head.encode() + b"Content-Length: 0\r\n\r\n")

    with pytest.raises(FetchFailed, match=f"status {status}"):
        fetch_picture(f"http://127.0.0.1:{outside.port}/", allowed_private=HERE)

    assert (len(outside.requests), inside.requests) == (1, [])


NOT_PLAIN = [
    *("file:///etc/passwd", "ftp://1.1.1.1/", "gopher://1.1.1.1/", "data:,x"),
    *("dict://1.1.1.1:11211/", "jar:http://1.1.1.1!/", "unix:/run/docker.sock"),
    *("http+unix://%2Frun%2Fdocker.sock/", "javascript:1", "//1.1.1.1/"),
    *("http://1.1.1.1:0/", "http://1.1.1.1:65536/", "http://1.1.1.1:-1/"),
    *("http://1.1.1.1:x/", "http:///x", "http://u:p@1.1.1.1/", "http://[1/"),
    *("", " ", "\0", "http", "http:", "http://"),
]


def test_only_plain_web_links(names):
    """No other scheme, no odd port, no credentials; nothing is looked up, even."""
    asked = names()

    for url in NOT_PLAIN:
        with pytest.raises(FetchFailed, match="plain http"):
            fetch_picture(url, allowed_private=())
            pytest.fail(url)
        assert asked == [], url


def test_line_breaks_in_a_link_write_no_headers(serve):
    """A link cannot add to the request that is made of it."""
    server = serve(OK)
    url = f"http://127.0.0.1:{server.port}/a\r\nX-Evil: 1\r\n\r\nGET /b HTTP/1.1"

    try:
        fetch_picture(url, allowed_private=HERE)
    except FetchFailed:
        assert server.requests == []
    else:
        (head,) = server.requests
        assert b"\r\nX-Evil" not in head and head.count(b"\r\n\r\n") == 1


def test_permission_opens_one_door_only(serve):
    """A listed host and port may be asked; its other ports may not."""
    server, other = serve(OK), serve(OK)
    allowed = (f"127.0.0.1:{server.port}",)

    got = fetch_picture(f"http://127.0.0.1:{server.port}/", allowed_private=allowed)

    assert got == b"secret"
    for host in ("127.0.0.1", "localhost", "2130706433"):
        with pytest.raises(FetchFailed, match="not on the public"):
            fetch_picture(f"http://{host}:{other.port}/", allowed_private=allowed)
    assert other.requests == []


@for_each("name", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
def test_environment_does_not_choose_the_way(serve, monkeypatch, tmp_path, name):
    """No proxy is asked, which would look the name up anew, nor is a password sent."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login u password hidden\n")
    netrc.chmod(0o600)
    proxy, server = serve(OK), serve(OK)
    monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("NETRC", str(netrc))

    fetch_picture(f"http://127.0.0.1:{server.port}/", allowed_private=HERE)

    (request,) = server.requests
    assert b"authorization" not in request.lower()
    assert proxy.requests == []


def bomb() -> bytes:
    """60 million zeros, as gzip: a thousandth of their size."""
    press = zlib.compressobj(9, wbits=31)
    parts = [press.compress(bytes(1_000_000)) for _ in range(60)]
    return b"".join([*parts, press.flush()])


CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
PIECE = bytes(65536)
ENDLESS = {
    "body": (HEAD + b"\r\n", PIECE),
    "body of a false length": (HEAD + b"Content-Length: 9999999999999\r\n\r\n", PIECE),
    "chunks": (CHUNKED, b"10000\r\n" + PIECE + b"\r\n"),
    "head of a chunk": (CHUNKED + b"1;", b"x" * 65536),
    "header": (HEAD + b"X: ", b"x" * 65536),
    "headers": (HEAD, b"X: y\r\n" * 9999),
    "interim answers": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 999),
    "squeezed": (HEAD + b"Content-Encoding: gzip\r\n\r\n", b""),
    "squeezed twice": (HEAD + b"Content-Encoding: gzip, gzip\r\n\r\n", b""),
}
SQUEEZED = {"squeezed": bomb, "squeezed twice": lambda: gzip.compress(bomb())}


@for_each("what", ENDLESS)
def test_answer_without_an_end_ends(serve, what):
    """Neither memory nor time is used up, before unpacking or after."""
    first, more = ENDLESS[what]
    server = serve(first + SQUEEZED.get(what, bytes)(), more)
    url = f"http://127.0.0.1:{server.port}/"

    with at_most(12_000_000), pytest.raises(FetchFailed) as failed:
        fetch_picture(url, allowed_private=HERE, cap=2_000_000, limit=300)

    assert "Timeout" not in str(failed.value)


@contextmanager
def at_most(size: int) -> Iterator[None]:
    """No more than *size* bytes may be in use at a time inside."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < size
    finally:
        tracemalloc.stop()


@for_each("first", [b"", b"H", HEAD, HEAD + b"Content-Length: 60\r\n\r\n"])
def test_slow_drip_is_cut(serve, first):
    """A byte now and then keeps no worker longer than the whole may take."""
    server = serve(first, b"1", every=0.05)

    with pytest.raises(FetchFailed, match="Timeout"):
        fetch_picture(
            f"http://127.0.0.1:{server.port}/", allowed_private=HERE, limit=0.4
        )


def test_tls_keeps_name_and_certificate(serve, names, authority, monkeypatch):
    """The address is pinned, yet SNI, Host and certificate are the name's."""
    server = serve(OK, context=authority.server_side())
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", authority.bundle)
    names(pictures=[["127.0.0.1"]])
    url = f"https://pictures.example:{server.port}/"

    assert fetch_picture(url, allowed_private=NAME) == b"secret"

    assert server.sni == ["pictures.example"]
    assert (
        f"\r\nHost: pictures.example:{server.port}\r\n".encode() in server.requests[0]
    )


@pytest.mark.parametrize("trusted", [True, False], ids=["other name", "other signer"])
def test_tls_of_somebody_else_is_refused(serve, names, authority, monkeypatch, trusted):
    """Who has only the address does not pass for the name."""
    server = serve(OK, context=authority.server_side())
    if trusted:
        path = "requests.adapters.DEFAULT_CA_BUNDLE_PATH"
        monkeypatch.setattr(path, authority.bundle)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, os.devnull if trusted else authority.bundle)
    host = "other" if trusted else "pictures"
    names(**{host: [["127.0.0.1"]]})
    url = f"https://{host}.example:{server.port}/"

    with pytest.raises(FetchFailed, match="SSLCertVerificationError"):
        fetch_picture(url, allowed_private=(f"{host}.example",))

    assert server.requests == []


@for_each("host", ["a" * 300, "a..b", "xn--a", "\u202eexample", "a" * 64 + ".example"])
def test_names_that_cannot_be(monkeypatch, host):
    def getaddrinfo(host, *args, **kwargs):
        host.encode("idna")  # as it does, which may fail
        raise socket.gaierror(socket.EAI_AGAIN, "later")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with pytest.raises(FetchFailed):
        fetch_picture(f"http://{host}/", allowed_private=())


MB = 1024 * 1024
FOX = ImageRequest("jimeng_t2i_v30", "a fox", 1328, 1328, 7)
# The parts of 60 MB of text: what is repeated, how often, and the end.
BOMBS = {
    "lists": (b"[],", 20 * MB, b"[]]"),
    "objects": (b"{},", 20 * MB, b"{}]"),
    "numbers": (b"1,", 30 * MB, b"1]"),
    "nested": (b"[", 60 * MB, b""),
}


def text_of(kind: str) -> bytes:
    """Made where it is looked at: all of them at once are 240 MB."""
    part, times, end = BOMBS[kind]
    return b"[" + part * times + end


def visual(port: int) -> VisualProvider:
    return VisualProvider("ak", "sk", endpoint=f"http://127.0.0.1:{port}")


@for_each("kind", BOMBS)
def test_answer_of_nothing_but_brackets_is_not_read(kind):
    """61 kB as they are sent, 64 MB as text; as objects 1.6 GB."""
    text = text_of(kind)

    with at_most(MB), pytest.raises(ValueError):
        parse(text)


def test_poll_of_a_bomb_takes_what_its_text_takes(serve):
    """It is a failed look, like any answer that is not JSON."""
    text = text_of("lists")
    zipped = gzip.compress(text, 9)
    server = serve(HEAD + b"Content-Encoding: gzip\r\n\r\n" + zipped)

    with at_most(3 * len(text)), pytest.raises(ProviderError) as caught:
        visual(server.port).poll("12", FOX)

    assert caught.value.transient


def test_large_picture_within_an_answer_is_read():
    """One long word is no bomb."""
    body = b'{"data": {"binary_data_base64": ["' + b"A" * 40 * MB + b'"]}}'

    assert len(parse(body)["data"]["binary_data_base64"][0]) == 40 * MB


def test_answer_without_a_picture_is_short(serve):
    """To a submission that is only the task's name, and to the question whether a key
    is good less: nothing more is read of it."""
    server = serve(HEAD + b"\r\n", bytes(65536))
    ark = ArkProvider("key", base_url=f"http://127.0.0.1:{server.port}")

    with at_most(8 * MB):
        with pytest.raises(ProviderError) as caught:
            visual(server.port).submit(FOX)
        with pytest.raises(ProviderError):
            ark.check("doubao-seedream-4-0-250828")

    assert caught.value.maybe_accepted
