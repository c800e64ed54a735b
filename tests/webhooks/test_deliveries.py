"""Deliveries: what a receiver gets, how often, and what the log says of it."""

import socket
import ssl
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime

import pytest
from standardwebhooks import Webhook

from jimeng import lanes
from jimeng.documents import WebhookDelivery, WebhookEndpoint, utcnow
from jimeng.errors import ProviderError
from jimeng.providers import Registry, download
from jimeng.webhooks import deliveries
from tests.hung_videos import finish_video
from tests.rest import API, CAT, create, data_of, refused, task
from tests.security.conftest import names
from tests.webhooks.conftest import KEY, USER, WEBHOOKS, later, waits

__all__ = ["names"]


def test_completed_task_is_told(client, endpoint, receiver, work_off, deliver, log):
    """Signed, with public links, without the prompt; no secret is stored."""
    made = endpoint(receiver.url)
    task_id = create(client, n=2)
    work_off()
    deliver()

    (got,) = receiver.received
    body = got.verified(made["secret"])
    record = task(client, task_id)
    assert body["type"] == "task.completed"
    assert body["timestamp"] == record["completed_at"]
    data = body["data"]
    assert (data["task_id"], data["status"]) == (task_id, "completed")
    assert data["user_id"] == USER
    assert data["updated_at"] == record["updated_at"]
    images = record["result"]["images"]
    assert [each["url"] for each in data["outputs"]] == [e["url"] for e in images]
    links = record["links"]
    assert data["links"] == {name: links[name] for name in ("self", "result", "html")}
    assert CAT["prompt"] not in got.body.decode()
    (delivery,) = log(made["id"])
    assert (delivery["id"], delivery["status"]) == (got.id, "delivered")
    assert delivery["attempts"][0]["message"] == "Delivered (204)"
    stored = str(WebhookDelivery.collection().find_one({}))
    assert made["secret"].removeprefix("whsec_") not in stored and KEY not in stored
    assert deliver() == 0
    assert deliveries.count_waiting() == 0


def test_completed_video_has_its_links_and_its_cost(
    client, receiver, deliver, provider, configure, signing
):
    """And its kind and length. The address that is told is part of the request."""
    ark = Registry({"volcengine_ark": provider}, {"volcengine_ark": 3})
    configure(signing, ark)
    host = signing.PUBLIC_URL
    query = {"user_id": USER}
    secret = data_of(client.get(f"{WEBHOOKS}/secret", query_string=query))["secret"]
    body = {
        **CAT,
        "resolution": "480p",
        "webhook_url": receiver.url,
        "metadata": {"order": "7"},
    }
    path, key = f"{API}/ai/video/task", {"Idempotency-Key": "k1"}
    answer = client.post(path, json=body, headers=key)
    body["webhook_url"] += "/elsewhere"
    other = client.post(path, json=body, headers=key)
    refused(other, 422, "idempotency_key_reused")
    task_id = data_of(answer, 202)["task_id"]
    finish_video(task_id)
    deliver()

    (got,) = receiver.received
    body = got.verified(secret)
    data = body["data"]
    result = data_of(client.get(f"{API}/ai/video/result/{task_id}"))
    assert (body["type"], data["type"]) == ("task.completed", "video")
    assert (data["task_id"], data["metadata"]) == (task_id, {"order": "7"})
    (output,), (video,) = data["outputs"], result["result"]["videos"]
    assert (output["kind"], output["content_type"]) == ("video", "video/mp4")
    for name in ("width", "height", "duration", "fps", "has_audio", "bytes"):
        assert output[name] == video[name]
    for name in ("url", "poster_url"):
        assert output[name].removeprefix(signing.PUBLIC_URL) == video[
            name
        ].removeprefix(signing.PUBLIC_URL)
    assert output["url"].startswith(f"{host}/v/")
    assert output["last_frame_url"] is None
    assert data["cost_micros"] == output["cost_micros"] == result["cost_micros"] > 0
    assert data["links"]["result"] == f"{host}{API}/ai/video/result/{task_id}"


def test_failure_and_cancellation_are_told(
    client, provider, endpoint, receiver, work_off, deliver
):
    """Each by its own event, only to who wants that, and with the prompt if wanted."""
    wanted = ["task.failed", "task.cancelled"]
    endpoint(receiver.url, events=wanted, include_prompt=True)
    refusal = ProviderError("no", code="content_refused_prompt", charged="no")
    provider.submits = [refusal]
    failed = create(client)
    work_off()
    create(client, seed=1)
    work_off()
    cancelled = create(client, seed=2)
    client.post(f"{API}/tasks/{cancelled}/cancel")
    deliver()

    told = {each.json["data"]["task_id"]: each.json for each in receiver.received}
    assert set(told) == {failed, cancelled}
    assert told[failed]["data"]["prompt"] == CAT["prompt"]
    assert told[failed]["type"] == "task.failed"
    (output,) = told[failed]["data"]["outputs"]
    assert output["error"] == "content_refused_prompt"
    assert told[failed]["data"]["cost_micros"] == output["cost_micros"] == 0
    assert told[cancelled]["type"] == "task.cancelled"


def test_failed_attempts_are_repeated(
    client, endpoint, receiver, deliver, log, monkeypatch
):
    """Ten times in three days, the same id and body, each signed anew; then no more."""
    _, *later_ones = deliveries.RETRY_S
    retries = (100, *later_ones)  # the first comes sooner than a test may be done
    monkeypatch.setattr(deliveries, "RETRY_S", retries)
    made = endpoint(receiver.url)
    task_id = create(client)
    client.post(f"{API}/tasks/{task_id}/cancel")
    for wait in (*retries, None):
        receiver.answer(500, b"broken")
        assert deliver() == 1
        if wait is not None:
            (until,) = waits()
            assert wait - 60 <= until <= wait * (1 + deliveries.JITTER)
            assert deliver() == 0
            later(until + 1)

    assert waits() == []
    assert len({(each.id, each.body) for each in receiver.received}) == 1
    assert len(receiver.received) == 10
    for each in receiver.received:
        each.verified(made["secret"])
    (delivery,) = log(made["id"], status="failed")
    (first, *_) = delivery["attempts"]
    told = (first["outcome"], first["status"], first["body"])
    assert told == ("refused", 500, "broken")
    assert first["message"] == "The receiver answered 500, not 2xx"
    (delivery,) = log(made["id"], language="zh")
    assert delivery["attempts"][0]["message"] == "接收方返回 500，应为 2xx"


@pytest.mark.parametrize("after", ["90", "http-date"])
def test_receiver_says_when_to_come_again(client, endpoint, receiver, deliver, after):
    """`Retry-After`, in both of its forms, where it is longer than the usual wait."""
    endpoint(receiver.url)
    client.post(f"{API}/tasks/{create(client)}/cancel")
    if after == "http-date":
        after = format_datetime(utcnow() + timedelta(seconds=91), usegmt=True)
    receiver.answer(503, Retry_After=after)
    deliver()

    (until,) = waits()
    assert 30 < until <= 91


def test_gone_receiver_is_disabled(client, endpoint, receiver, deliver, log):
    """By 410; what happens after that stands in the log, and can be replayed."""
    made = endpoint(receiver.url)
    where = f"{WEBHOOKS}/{made['id']}"
    receiver.answer(410)
    client.post(f"{API}/tasks/{create(client)}/cancel")
    deliver()
    record = data_of(client.get(where))
    assert (record["enabled"], record["disabled_reason"]) == (False, "gone")
    assert record["disabled_message"]

    client.post(f"{API}/tasks/{create(client, seed=5)}/cancel")
    deliver()
    assert len(receiver.received) == 1
    refused(client.post(f"{where}/test"), 409, "webhook_disabled")
    assert data_of(client.patch(where, json={"enabled": True}))["enabled"] is True
    since = {"since": "2020-01-01T00:00:00Z"}
    assert data_of(client.post(f"{where}/replay", json=since), 202) == {"count": 2}
    deliver()
    assert [each["status"] for each in log(made["id"])] == ["delivered"] * 2


def test_receiver_that_always_fails_is_disabled(client, endpoint, receiver, deliver):
    """After 50 failures in a row, over more than an hour; a success begins anew."""
    made = endpoint(receiver.url)
    where = f"{WEBHOOKS}/{made['id']}"
    client.post(f"{API}/tasks/{create(client)}/cancel")
    long_ago = {"failures": 48, "failing_since": utcnow() - timedelta(hours=2)}
    for stored in ({"failures": 400}, long_ago):
        WebhookEndpoint.collection().update_one({}, {"$set": stored})
        receiver.answer(500)
        deliver()
        assert data_of(client.get(where))["enabled"] is True
        later(600)
    receiver.answer(500)
    deliver()

    record = data_of(client.get(where))
    assert (record["disabled_reason"], record["failures"]) == ("failing", 50)
    data_of(client.patch(where, json={"enabled": True}))
    client.post(f"{where}/test")
    deliver()
    assert data_of(client.get(where))["failures"] == 0


def test_replay_is_one_attempt(client, endpoint, receiver, deliver, log):
    """The same id and body with a fresh timestamp; a failure says nothing of health."""
    made = endpoint(receiver.url)
    client.post(f"{API}/tasks/{create(client)}/cancel")
    deliver()
    (delivery,) = log(made["id"])
    receiver.answer(500)
    where = f"{WEBHOOKS}/{made['id']}"
    again = client.post(f"{where}/deliveries/{delivery['id']}/replay")
    assert data_of(again, 202)["status"] == "pending"
    deliver()

    first, second = receiver.received
    assert (first.id, first.body) == (second.id, second.body)
    second.verified(made["secret"])
    (delivery,) = log(made["id"])
    assert (delivery["status"], delivery["next_attempt_at"]) == ("failed", None)
    assert len(delivery["attempts"]) == 2
    assert data_of(client.get(where))["failures"] == 0


def test_redirect_is_a_failure(client, endpoint, receivers, deliver, log):
    """Of a test event, as any, which is sent once; 2 KiB of an answer are kept."""
    receiver, elsewhere = receivers(), receivers()
    made = endpoint(receiver.url, events=["task.failed"])
    receiver.answer(500)
    receiver.answer(302, Location=elsewhere.url)
    receiver.answer(200, b"x" * 100_000)
    for _ in range(3):
        answer = client.post(f"{WEBHOOKS}/{made['id']}/test")
        assert data_of(answer, 202)["event"] == "test.ping"
        deliver()
        assert waits() == []

    assert receiver.received[0].verified(made["secret"])["type"] == "test.ping"
    assert elsewhere.received == []
    long, redirected, failed = log(made["id"])
    assert (failed["status"], failed["subject"]) == ("failed", None)
    assert "redirects (302)" in redirected["attempts"][0]["message"]
    assert long["status"] == "delivered"
    assert long["attempts"][0]["body"] == "x" * 2048


def test_both_secrets_sign_for_a_day(client, endpoint, receiver, deliver):
    """After a rotation; then only the new one."""
    made = endpoint(receiver.url)
    where = f"{WEBHOOKS}/{made['id']}"
    rotated = data_of(client.post(f"{where}/rotate"))
    assert rotated["secret"] != made["secret"]
    client.post(f"{where}/test")
    deliver()
    (got,) = receiver.received
    got.verified(made["secret"])
    got.verified(rotated["secret"])

    yesterday = {"rotated_at": utcnow() - timedelta(hours=25)}
    WebhookEndpoint.collection().update_one({}, {"$set": yesterday})
    client.post(f"{where}/test")
    deliver()
    got = receiver.received[1]
    got.verified(rotated["secret"])
    with pytest.raises(Exception, match="No matching signature"):
        Webhook(made["secret"]).verify(got.body, got.headers)


def test_another_secret_key_disables(
    client, endpoint, receiver, deliver, signing, configure, registry
):
    """Nothing is signed with a secret that nobody was shown; a rotation mends it."""
    made = endpoint(receiver.url)
    where = f"{WEBHOOKS}/{made['id']}"
    configure(replace(signing, SECRET_KEY="o" * 40), registry)
    client.post(f"{API}/tasks/{create(client)}/cancel")
    deliver()

    assert receiver.received == []
    record = data_of(client.get(where))
    assert record["disabled_reason"] == "secret_key_changed"
    refused(client.patch(where, json={"enabled": True}), 422, "validation_failed")
    rotated = data_of(client.post(f"{where}/rotate"))
    data_of(client.patch(where, json={"enabled": True}))
    client.post(f"{where}/replay", json={"since": "2020-01-01T00:00:00Z"})
    deliver()
    receiver.received[0].verified(rotated["secret"])


def test_paused_webhooks_send_nothing(client, endpoint, receiver, deliver):
    """What happens meanwhile is sent once they go on."""
    endpoint(receiver.url)
    lanes.pause(lanes.WEBHOOKS, "operator")
    client.post(f"{API}/tasks/{create(client)}/cancel")
    assert deliver() == 0
    assert deliveries.start_threads() is False

    lanes.resume(lanes.WEBHOOKS)
    assert deliver() == 1


def test_private_address_behind_a_name_is_refused(
    client, endpoint, deliver, log, names
):
    """It is looked up when something is sent; the log says why nothing was."""
    made = endpoint("https://inside.example.com/hook")
    client.post(f"{WEBHOOKS}/{made['id']}/test")
    names(inside=[["10.0.0.7"]])
    deliver()

    (delivery,) = log(made["id"])
    assert delivery["attempts"][0]["outcome"] == "private_address"
    assert "ALLOWED_USER_HOSTS" in delivery["attempts"][0]["message"]


def test_name_is_looked_up_once(client, endpoint, deliver, log, names, monkeypatch):
    """A name that is another address the second time is connected to at the first."""
    made = endpoint("https://rebinding.example.com/hook")
    client.post(f"{WEBHOOKS}/{made['id']}/test")
    asked = names(rebinding=[["203.0.114.9"], ["127.0.0.1"]])
    connected = []

    def connect(address: tuple, *args: object, **options: object) -> socket.socket:
        connected.append(address[0])
        raise ConnectionRefusedError(111, "refused")

    monkeypatch.setattr("urllib3.util.connection.create_connection", connect)
    deliver()

    assert asked.count("rebinding.example.com") == 1
    assert connected == ["203.0.114.9"]
    (delivery,) = log(made["id"])
    assert delivery["attempts"][0]["outcome"] == "connection_failed"


def test_receiver_that_never_answers_times_out(
    client, endpoint, receiver, deliver, log, monkeypatch
):
    """Its time is bounded, and the log says what helps."""
    made = endpoint(receiver.url)
    receiver.held.clear()
    for seconds in (0.2, 2, 20):  # in a short time the request may not even go out
        monkeypatch.setattr(deliveries, "ATTEMPT_TIMEOUT_S", seconds)
        client.post(f"{WEBHOOKS}/{made['id']}/test")
        deliver()
        (attempt,) = log(made["id"])[0]["attempts"]
        if receiver.received:
            break

    assert attempt["outcome"] == "answer_timeout"
    assert "answer 2xx first" in attempt["message"]


def test_certificates_are_told_of():
    """The commonest mistakes have words of their own."""

    def reason(cause: Exception) -> str:
        call = download.CallFailed("x")
        call.sent = False
        call.__cause__ = cause
        error = download.FetchFailed("x")
        error.__cause__ = call
        return deliveries.reason_of(error)

    for code, told in ((10, "expired"), (62, "wrong_host"), (18, "untrusted")):
        error = ssl.SSLCertVerificationError(1, "x")
        error.verify_code = code
        assert reason(error) == f"certificate_{told}"
    assert reason(ssl.SSLError(1, "x")) == "tls_failed"
    assert reason(TimeoutError()) == "connect_timeout"


def test_attempt_beyond_its_lease_is_not_written(client, endpoint, receiver):
    """Another thread has it by then; two would write over each other's outcome."""
    made = endpoint(receiver.url)
    assert client.post(f"{WEBHOOKS}/{made['id']}/test").status_code < 300
    first = deliveries.claim("untried")
    later(60)
    deliveries.make_due_ready()
    second = deliveries.claim("untried")
    assert first is not None and second is not None and first.id == second.id

    done = deliveries.Attempt(deliveries.DELIVERED, 200)
    deliveries.record_attempt(first, done, utcnow(), 0.1)

    stored = WebhookDelivery.find_one({"_id": first.id})
    assert (stored.owner, stored.attempts) == (second.owner, [])
