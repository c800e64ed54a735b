"""Who may ask: which sites, under which names, and how a request is called."""

import pytest

from tests.rest import API, CAT, CREATE, data_of, refused


@pytest.mark.parametrize("given", ["abc-123", "A.b_c:d", "x" * 128])
def test_sane_request_id_is_kept(client, given):
    """The caller's own id comes back."""
    answer = client.get(f"{API}/models", headers={"X-Request-ID": given})

    assert answer.headers["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "<script>", "ü", "a;b"])
def test_other_request_id_is_replaced(client, given):
    """An id that could do harm in a log is not used."""
    answer = client.get(f"{API}/models", headers={"X-Request-ID": given})

    assert answer.headers["X-Request-ID"] not in {"", given}


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://["},
        {"Origin": "//[x"},
        {"Origin": "http://localhost:1"},
        {"Origin": "http://localhost", "Sec-Fetch-Site": "cross-site"},
    ],
)
def test_request_from_another_site_is_refused(client, headers):
    """A page elsewhere cannot ask for pictures in its visitors' name."""
    answer = client.post(CREATE, json=CAT, headers=headers)

    refused(answer, 403, "cross_site")
    assert client.get(f"{API}/models", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://localhost"},
    ],
)
def test_request_of_this_site_or_of_no_browser_is_taken(client, headers):
    """Programs send neither header; this site's pages send the right ones."""
    data_of(client.post(CREATE, json=CAT, headers=headers), 202)


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "[::1", "", "a b", "x@localhost"]
)
def test_foreign_host_name_is_refused(client, host):
    """A name that somebody pointed at this address gets nothing but a 421."""
    answer = client.get(f"{API}/models", headers={"Host": host})

    refused(answer, 421, "wrong_host")
    assert client.get("/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["localhost:5", "127.0.0.1", "[::1]:8080", "LOCALHOST"]
)
def test_loopback_host_names_are_served(client, host):
    """Whatever the port, this machine may ask."""
    assert client.get(f"{API}/models", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "header",
    ["en-US,zh;q=0.5", "en-GB;q=0.8, zh;q=0.2", "en-US, zh-CN;q=0.9, zh;q=0.8"],
)
def test_english_is_preferred_with_a_region_too(client, header):
    """A region behind the language makes it no less preferred."""
    answer = client.get("/health", headers={"Accept-Language": header})

    assert answer.json["message"] == "The service is running"


@pytest.mark.parametrize(
    "header", ["", "*", "de", "zh-TW,en;q=0.8", "en;q=0", "en;q=x"]
)
def test_chinese_is_spoken_unless_english_is_preferred(client, header):
    """Whoever prefers neither, or says nothing that can be read, gets Chinese."""
    answer = client.get("/health", headers={"Accept-Language": header})

    assert answer.json["message"] == "服务正常运行"
