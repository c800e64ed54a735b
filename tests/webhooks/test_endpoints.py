"""Endpoints: made, listed, changed, rotated, deleted; and where nothing is signed."""

from jimeng.accounts.webhooks import MAX_WEBHOOKS
from jimeng.documents import WebhookEndpoint
from tests.each import for_each
from tests.rest import CAT, CREATE, data_of, errors_of, refused
from tests.webhooks.conftest import USER, WEBHOOKS

URL = "https://shop.example.com/jimeng"


def test_secret_is_shown_once(client, endpoint):
    """In the answer that makes the endpoint, in none after that; it is not stored."""
    made = endpoint(URL, events=["task.completed"], description="订单")

    shown = data_of(client.get(f"{WEBHOOKS}/{made['id']}"))
    listed = data_of(client.get(WEBHOOKS, query_string={"user_id": USER}))
    assert made["secret"].startswith("whsec_")
    assert listed == [shown]
    assert {**shown, "secret": made["secret"]} == made
    assert shown["enabled"] is True
    assert (shown["url"], shown["events"]) == (URL, ["task.completed"])
    stored = WebhookEndpoint.collection().find_one()
    assert made["secret"].removeprefix("whsec_") not in str(stored)


def test_secrets_differ(client, endpoint):
    """By endpoint, and from the user's default."""
    default = data_of(client.get(f"{WEBHOOKS}/secret", query_string={"user_id": USER}))

    assert (
        len({endpoint(URL)["secret"], endpoint(URL)["secret"], default["secret"]}) == 3
    )


def test_default_secret_stays(client):
    """Asked for twice it is the same; it stands in no list, and is not deleted."""
    query = {"user_id": USER}
    first = data_of(client.get(f"{WEBHOOKS}/secret", query_string=query))

    assert data_of(client.get(f"{WEBHOOKS}/secret", query_string=query)) == first
    assert data_of(client.get(WEBHOOKS, query_string=query)) == []
    where = f"{WEBHOOKS}/{first['id']}"
    refused(client.delete(where), 404, "webhook_not_found")
    refused(client.patch(where, json={"url": URL}), 404, "webhook_not_found")
    rotated = data_of(client.post(f"{where}/rotate"))
    assert rotated["secret"] != first["secret"]


def test_endpoint_is_changed_and_deleted(client, endpoint):
    """What is left out stays; after the deletion there is none."""
    where = f"{WEBHOOKS}/{endpoint(URL, description='a')['id']}"

    changed = data_of(client.patch(where, json={"enabled": False, "events": []}))
    assert (changed["enabled"], changed["disabled_reason"]) == (False, "owner")
    assert (changed["url"], changed["description"]) == (URL, "a")
    assert data_of(client.patch(where, json={"enabled": True}))["enabled"] is True
    data_of(client.delete(where))
    refused(client.get(where), 404, "webhook_not_found")


@for_each(
    "url",
    [
        *("http://shop.example.com/a", "ftp://example.com", "https://", "shop"),
        *("https://a:b@example.com/", "https://10.0.0.1/a", "https://[::1]/a"),
        *(
            "https://169.254.169.254/latest",
            "https://localhost/x",
        ),
        "https://pictures.example.com/i/x",  # this server's own
    ],
)
def test_address_that_nothing_is_sent_to_is_refused(client, url):
    """At once, for endpoints and for single tasks alike."""
    body = {"url": url, "user_id": USER}
    assert list(errors_of(client.post(WEBHOOKS, json=body))) == ["url"]

    body = {**CAT, "webhook_url": url}
    assert list(errors_of(client.post(CREATE, json=body))) == ["webhook_url"]


def test_unknown_event_is_refused(client):
    """The known ones are named."""
    body = {"url": URL, "user_id": USER, "events": ["task.done"]}

    assert "task.completed" in str(errors_of(client.post(WEBHOOKS, json=body)))


def test_endpoints_are_limited(client, endpoint):
    """One too many is not kept."""
    for _ in range(MAX_WEBHOOKS):
        endpoint(URL)

    answer = client.post(WEBHOOKS, json={"url": URL, "user_id": USER})

    refused(answer, 409, "too_many_webhooks")
    listed = data_of(client.get(WEBHOOKS, query_string={"user_id": USER}))
    assert len(listed) == MAX_WEBHOOKS


def test_without_a_key_webhooks_are_off(client, app, config, configure, registry):
    """Every door to them says so, and a task with an address is not created."""
    configure(config, registry)

    body = {"url": URL, "user_id": USER}
    refused(client.post(WEBHOOKS, json=body), 409, "webhooks_off")
    query = {"user_id": USER}
    answer = client.get(f"{WEBHOOKS}/secret", query_string=query)
    refused(answer, 409, "webhooks_off")
    answer = client.post(CREATE, json={**CAT, "webhook_url": URL})
    refused(answer, 409, "webhooks_off")
