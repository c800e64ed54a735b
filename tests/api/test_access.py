"""Who may ask: which sites, under which names, and how a request is called."""

from tests.each import for_each
from tests.rest import API, refused


@for_each("given", ["abc-123", "A.b_c:d", "x" * 128])
def test_sane_request_id_is_kept(client, given):
    """The caller's own id comes back."""
    answer = client.get(f"{API}/models", headers={"X-Request-ID": given})

    assert answer.headers["X-Request-ID"] == given


@for_each("given", ["", "a b", "x" * 129, "<script>", "ü", "a;b"])
def test_other_request_id_is_replaced(client, given):
    """An id that could do harm in a log is not used."""
    answer = client.get(f"{API}/models", headers={"X-Request-ID": given})

    assert answer.headers["X-Request-ID"] not in {"", given}


@for_each(
    "host", ["evil.example", "localhost.evil.example", "[::1", "", "a b", "x@localhost"]
)
def test_foreign_host_name_is_refused(client, host):
    """A name that somebody pointed at this address gets nothing but a 421."""
    answer = client.get(f"{API}/models", headers={"Host": host})

    refused(answer, 421, "wrong_host")
    assert client.get("/health", headers={"Host": host}).status_code == 200


@for_each("host", ["localhost:5", "127.0.0.1", "[::1]:8080", "LOCALHOST"])
def test_loopback_host_names_are_served(client, host):
    """Whatever the port, this machine may ask."""
    assert client.get(f"{API}/models", headers={"Host": host}).status_code == 200


@for_each(
    "header",
    ["en-US,zh;q=0.5", "en-GB;q=0.8, zh;q=0.2", "en-US, zh-CN;q=0.9, zh;q=0.8"],
)
def test_english_is_preferred_with_a_region_too(client, header):
    """A region behind the language makes it no less preferred."""
    answer = client.get("/health", headers={"Accept-Language": header})

    assert answer.json["message"] == "The service is running"


@for_each("header", ["", "*", "de", "zh-TW,en;q=0.8", "en;q=0", "en;q=x"])
def test_chinese_is_spoken_unless_english_is_preferred(client, header):
    """Whoever prefers neither, or says nothing that can be read, gets Chinese."""
    answer = client.get("/health", headers={"Accept-Language": header})

    assert answer.json["message"] == "服务正常运行"
