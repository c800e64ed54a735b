"""Pages of allowed origins use the API with a key; a session is of no use to them."""

from dataclasses import replace

import pytest

from jimeng.config import Config
from jimeng.documents import Task
from jimeng.errors import ConfigError
from tests.conftest import make_as_new
from tests.each import for_each
from tests.rest import API, CREATE, data_of

SHOP = "https://shop.example.com"
OTHER = "http://localhost:5173"
ASKS = {
    "Origin": SHOP,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type,idempotency-key",
}
CROSS = {"Origin": SHOP, "Sec-Fetch-Site": "cross-site"}
CAT = {"prompt": "一只猫"}
KEY_INTERFACES = [CREATE, "/v1/images/generations", "/mcp"]


@pytest.fixture(scope="module")
def shopping(closed) -> Config:
    return replace(closed, CORS_ORIGINS=(SHOP, OTHER))


@pytest.fixture(scope="module")
def built_shopping(shopping):
    from app import create_app

    return create_app(shopping)


@pytest.fixture
def secured(built_shopping, database, shopping, configure, registry):
    """The application with sign-in on, and two origins that may ask."""
    make_as_new(built_shopping, shopping)
    configure(shopping, registry)
    return built_shopping


@pytest.mark.parametrize("origin", [SHOP, OTHER, SHOP.upper()])
def test_page_of_an_allowed_origin_creates_a_task(ada, origin):
    """And may read the answer with what stands in its headers, also as an agent's
    client. Without an origin there is nothing to allow."""
    headers = {**CROSS, "Origin": origin}
    answer = ada.api("POST", CREATE, json=CAT, headers=headers)

    assert answer.status_code == 202, answer.text
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert "Origin" in answer.vary
    assert "Access-Control-Allow-Credentials" not in answer.headers
    exposed = answer.headers["Access-Control-Expose-Headers"].split(", ")
    assert {"ETag", "Location", "Retry-After", "RateLimit"} <= set(exposed)
    looked = ada.api("GET", answer.headers["Location"], headers=headers)
    assert data_of(looked)["status"] == "pending"
    assert looked.headers["Access-Control-Allow-Origin"] == origin
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    assert ada.api("POST", "/mcp", json=body, headers=headers).json["result"]["tools"]
    plain = ada.api("GET", f"{API}/models")
    assert plain.status_code == 200
    assert "Access-Control-Allow-Origin" not in plain.headers


@for_each("path", KEY_INTERFACES)
def test_browser_is_told_that_the_page_may_ask(nobody, path):
    """Before it sends the request: that question comes without a key. And the page
    reads why it was refused: an error without these headers would be a riddle to it."""
    answer = nobody.options(path, headers=ASKS)

    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == SHOP
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    allowed = answer.headers["Access-Control-Allow-Headers"].split(", ")
    assert {"authorization", "content-type", "idempotency-key"} <= set(allowed)
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert answer.headers["Access-Control-Max-Age"] == "600"
    headers = {**CROSS, "Authorization": "Bearer jm_wrong"}
    refusal = nobody.post(path, json=CAT, headers=headers)
    assert refusal.status_code == 401
    assert refusal.headers["Access-Control-Allow-Origin"] == SHOP


@for_each(
    "headers",
    [
        {"Origin": "https://evil.example"},
        *[{"Origin": SHOP + more} for more in (".evil.example", ":444")],
        *[{"Origin": origin} for origin in ("https://shopxexample.com", "null")],
        {"Origin": "http://shop.example.com"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_other_origins_are_refused_with_a_key(ada, headers):
    """Nothing is created, and nothing is theirs to read."""
    answer = ada.api("POST", CREATE, json=CAT, headers=headers)

    assert (answer.status_code, answer.json["error"]) == (403, "cross_site")
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert Task.collection().count_documents({}) == 0
    asked = ada.client.options(CREATE, headers={**ASKS, **headers})
    if "Origin" in headers:
        assert "Access-Control-Allow-Origin" not in asked.headers


@for_each("authorization", [None, "Bearer ", "Basic YTpi"])
def test_session_is_no_key_from_an_allowed_origin_either(ada, authorization):
    """A browser sends cookies by itself, whoever's page it shows."""
    ada.sign_in()
    headers = {**CROSS, **({"Authorization": authorization} if authorization else {})}

    answer = ada.client.post(CREATE, json=CAT, headers=headers)

    assert (answer.status_code, answer.json["error"]) == (403, "cross_site")


def test_pages_are_not_for_other_origins(ada):
    ada.sign_in()
    keyed = {**CROSS, "Authorization": f"Bearer {ada.key}"}

    for path in ("/", "/account", "/sign-in"):
        answer = ada.client.get(path, headers=keyed)
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert ada.client.post(path, headers=keyed).status_code in {403, 405}
    asked = ada.client.options("/account", headers=ASKS)
    assert "Access-Control-Allow-Origin" not in asked.headers


@for_each(
    "text",
    ["*", "null", "shop.example.com", f"{SHOP}/", "https://*.shop.com"],
)
def test_what_is_no_origin_stops_the_start(text):
    """A wish that would never match, or match too much, is refused by name. Others are
    compared in lower case, as browsers send them."""
    with pytest.raises(ConfigError, match="CORS_ORIGINS must be origins such as"):
        Config.from_env({"CORS_ORIGINS": text})
    config = Config.from_env({"CORS_ORIGINS": "https://Shop.example.com, app://x"})
    assert config.CORS_ORIGINS == ("https://shop.example.com", "app://x")
