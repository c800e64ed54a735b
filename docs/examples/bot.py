"""A Slack bot that posts generated pictures: see slack_bot.en.md beside this file."""

import os
import sqlite3
from contextlib import closing

import requests
from flask import Flask, abort, request
from slack_sdk.signature import SignatureVerifier
from slack_sdk.webhook import WebhookClient
from standardwebhooks import Webhook, WebhookVerificationError

API = os.environ["JIMENG_URL"] + "/api/v1"
DATABASE = os.environ.get("BOT_DATABASE", "bot.db")
jimeng = requests.Session()
jimeng.headers["Authorization"] = f"Bearer {os.environ['JIMENG_KEY']}"
slack = SignatureVerifier(os.environ["SLACK_SIGNING_SECRET"])
webhook = Webhook(os.environ["WEBHOOK_SECRET"])
app = Flask(__name__)

with closing(sqlite3.connect(DATABASE)) as database:
    database.execute("CREATE TABLE IF NOT EXISTS posted (id TEXT PRIMARY KEY)")


@app.post("/slack/draw")
def draw():
    """/draw PROMPT: Slack wants an answer within three seconds."""
    if not slack.is_valid_request(request.get_data(), dict(request.headers)):
        abort(401)
    form = request.form
    try:
        answer = jimeng.post(
            f"{API}/ai/image/task",
            json={
                "prompt": form["text"],
                "user_id": f"slack:{form['team_id']}:{form['user_id']}",
                "metadata": {
                    "response_url": form["response_url"],
                    "prompt": form["text"][:150],
                },
            },
            headers={"Idempotency-Key": form["trigger_id"]},
            timeout=2,  # seconds: Slack waits for three
        )
        said = "Drawing …" if answer.status_code == 202 else answer.json()["message"]
    except (requests.RequestException, ValueError):
        said = "The picture server cannot be reached; try again later."
    return {"response_type": "ephemeral", "text": said}


@app.post("/jimeng")
def receive_event():
    """A task has ended: post its pictures, once."""
    try:
        event = webhook.verify(request.get_data(), dict(request.headers))
    except (WebhookVerificationError, ValueError):
        abort(400)
    metadata = event["data"].get("metadata", {})
    if "response_url" not in metadata:
        return "", 204  # not from Slack
    with closing(sqlite3.connect(DATABASE, timeout=30)) as database, database:
        id = (request.headers["webhook-id"],)
        if database.execute("INSERT OR IGNORE INTO posted VALUES (?)", id).rowcount:
            post(metadata, event["data"])
    return "", 204


def post(metadata, data):
    """Answer the command that asked for it."""
    images = [
        {"type": "image", "image_url": each["url"], "alt_text": metadata["prompt"]}
        for each in data["outputs"]
        if "url" in each
    ]
    text = metadata["prompt"] if images else "No picture this time; try other words."
    answer = WebhookClient(metadata["response_url"], timeout=10).send(
        text=text, blocks=images or None, response_type="in_channel"
    )
    if answer.status_code == 429 or answer.status_code >= 500:
        abort(503)  # nothing is recorded, and the event is delivered again


if __name__ == "__main__":
    app.run("127.0.0.1", int(os.environ["PORT"]))
