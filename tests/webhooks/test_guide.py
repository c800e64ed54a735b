"""The receivers of docs/webhooks, and verifiers of others, take what is sent."""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.each import for_each
from tests.rest import API, create
from tests.standin import free_port
from tests.waiting import wait_for
from tests.webhooks.conftest import Received

ROOT = Path(__file__).parents[2]
RUN = {"python": ([sys.executable], "py"), "javascript": (["node"], "mjs")}
READ = "const { BODY, HEADERS, SECRET } = process.env;"
JAVASCRIPT = {
    "openai": f"""
import OpenAI from "openai";
{READ}
const client = new OpenAI({{ apiKey: "x" }});
await client.webhooks.verifySignature(BODY, JSON.parse(HEADERS), SECRET);
""",
    "replicate": f"""
import {{ validateWebhook }} from "replicate";
{READ}
const request = {{ headers: JSON.parse(HEADERS), body: BODY }};
process.exit((await validateWebhook(request, SECRET)) ? 0 : 1);
""",
    "standardwebhooks": f"""
import {{ Webhook }} from "standardwebhooks";
{READ}
new Webhook(SECRET).verify(BODY, JSON.parse(HEADERS));
""",
}


@pytest.fixture
def example(tmp_path) -> Iterator[Callable[[str, str, str], tuple[str, Path]]]:
    """Runs a receiver of the guide; returns its address and what it prints."""
    started = []

    def run(page: str, kind: str, secret: str) -> tuple[str, Path]:
        text = (ROOT / "docs" / page).read_text("utf-8")
        (code,) = re.findall(rf"^```{kind}\n(.*?)^```", text, re.M | re.S)
        command, suffix = RUN[kind]
        file, output = tmp_path / f"receiver.{suffix}", tmp_path / "output"
        file.write_text(code, "utf-8")
        port = free_port()
        env = {**os.environ, "WEBHOOK_SECRET": secret, "PORT": str(port)}
        with output.open("wb") as out:
            started.append(subprocess.Popen([*command, file], env=env, stdout=out))
        wait_for(lambda: is_listening(port))
        return f"http://127.0.0.1:{port}/jimeng", output

    yield run
    for each in started:
        each.kill()
        each.wait()


def is_listening(port: int) -> bool:
    with socket.socket() as found:
        return found.connect_ex(("127.0.0.1", port)) == 0


@for_each("page", ["webhooks.md", "webhooks.en.md"])
@pytest.mark.parametrize(
    "kind", ["python", pytest.param("javascript", marks=pytest.mark.system)]
)
def test_receiver_of_the_guide_verifies_and_drops_duplicates(
    client, endpoint, receiver, example, deliver, log, page, kind
):
    """What is signed with another secret is refused by it."""
    made = endpoint(receiver.url)
    url, output = example(page, kind, made["secret"])
    client.patch(f"{API}/webhooks/{made['id']}", json={"url": url})
    task_id = create(client)
    client.post(f"{API}/tasks/{task_id}/cancel")
    deliver()
    (delivery,) = log(made["id"])
    where = f"{API}/webhooks/{made['id']}/deliveries/{delivery['id']}"
    client.post(f"{where}/replay")
    deliver()

    assert log(made["id"])[0]["status"] == "delivered"
    assert len(log(made["id"])[0]["attempts"]) == 2
    assert output.read_text() == f"task.cancelled {task_id}\n"
    for _ in range(2):  # after that only another secret signs
        client.post(f"{API}/webhooks/{made['id']}/rotate")
    client.post(f"{API}/tasks/{create(client, seed=7)}/cancel")
    deliver()
    assert log(made["id"])[0]["attempts"][0]["status"] == 400


@pytest.mark.system
def test_verifiers_of_others_take_it(client, endpoint, receiver, deliver):
    """As they are published, also while two secrets sign, and no other secret."""
    made = endpoint(receiver.url)
    client.post(f"{API}/webhooks/{made['id']}/rotate")
    client.post(f"{API}/webhooks/{made['id']}/test")
    deliver()
    (got,) = receiver.received
    assert " " in got.headers["webhook-signature"]

    assert verified_by_python(got, made["secret"])
    for name, code in JAVASCRIPT.items():
        assert verified_by_javascript(code, got, made["secret"]), name
        wrong = "whsec_" + "A" * 43 + "="
        assert not verified_by_javascript(code, got, wrong), name


def verified_by_python(got: Received, secret: str) -> bool:
    code = (
        "import json, os; from openai import OpenAI; "
        "OpenAI(api_key='x').webhooks.verify_signature("
        "os.environ['BODY'], json.loads(os.environ['HEADERS']), "
        "secret=os.environ['SECRET'])"
    )
    python = ROOT / ".venv/clients/python/bin/python"
    return ran([python, "-c", code], got, secret)


def verified_by_javascript(code: str, got: Received, secret: str) -> bool:
    command = ["node", "--input-type=module", "-e", code]
    return ran(command, got, secret, cwd=ROOT / ".venv/clients")


def ran(command: list, got: Received, secret: str, cwd: Path | None = None) -> bool:
    env = {
        **os.environ,
        "BODY": got.body.decode(),
        "HEADERS": json.dumps(got.headers),
        "SECRET": secret,
    }
    done = subprocess.run(command, env=env, cwd=cwd, capture_output=True)
    return done.returncode == 0
