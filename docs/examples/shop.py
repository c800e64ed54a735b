"""A web shop that sells generated pictures: see web_shop.en.md beside this file."""

import os
import sqlite3
import threading
import uuid
from contextlib import closing

import requests
from flask import Flask, abort, request
from standardwebhooks import Webhook, WebhookVerificationError

API = os.environ["JIMENG_URL"] + "/api/v1"
DATABASE = os.environ.get("SHOP_DATABASE", "shop.db")
jimeng = requests.Session()
jimeng.headers["Authorization"] = f"Bearer {os.environ['JIMENG_KEY']}"
webhook = Webhook(os.environ["WEBHOOK_SECRET"])
has_orders = threading.Event()
app = Flask(__name__)


def sql(statement, *values):
    with closing(sqlite3.connect(DATABASE, timeout=30)) as database, database:
        database.row_factory = sqlite3.Row
        return [dict(row) for row in database.execute(statement, values)]


sql("""CREATE TABLE IF NOT EXISTS orders (
    id TEXT PRIMARY KEY, customer TEXT, prompt TEXT, status TEXT DEFAULT 'new',
    picture TEXT, message TEXT, limits TEXT, changed_at TEXT DEFAULT '')""")


@app.post("/orders")
def order():
    """Write the order down, and answer at once."""
    id, order = uuid.uuid4().hex, request.get_json()
    new = (id, str(order["customer"]), str(order["prompt"]))
    sql("INSERT INTO orders (id, customer, prompt) VALUES (?, ?, ?)", *new)
    has_orders.set()
    return {"id": id}, 202


def submit(order):
    """Ask for the picture. Sent again, it is still generated and charged once."""
    answer = jimeng.post(
        f"{API}/ai/image/task",
        json={
            "prompt": order["prompt"],
            "user_id": f"shop:{order['customer']}",
            "metadata": {"order": order["id"]},
        },
        headers={"Idempotency-Key": order["id"]},
        timeout=30,
    )
    # With a limit, an outage, or a key that has expired: try again later.
    status = "drawing" if answer.ok else "new"
    if answer.status_code in (400, 422):
        status = "refused"
    sql(
        "UPDATE orders SET status = CASE status WHEN 'new' THEN ? ELSE status END, "
        "message = ?, limits = ? WHERE id = ?",  # the webhook may have been faster
        *(status, answer.json().get("message"), answer.headers.get("RateLimit")),
        order["id"],
    )


def submit_new_orders():
    """Submit what is not submitted yet, also after a restart."""
    while True:
        has_orders.clear()
        for order in sql("SELECT * FROM orders WHERE status = 'new'"):
            try:
                submit(order)
            except (requests.RequestException, ValueError) as error:
                app.logger.warning("order %s: %s", order["id"], error)
        has_orders.wait(10)


@app.post("/jimeng")
def receive_event():
    """A task has ended. An older or repeated event changes nothing."""
    try:
        event = webhook.verify(request.get_data(), dict(request.headers))
    except (WebhookVerificationError, ValueError):
        abort(400)
    data = event["data"]
    pictures = [each["url"] for each in data.get("outputs", []) if "url" in each]
    if event["type"].startswith("task.") and "order" in data["metadata"]:
        sql(
            "UPDATE orders SET status = ?, picture = ?, changed_at = ? "
            "WHERE id = ? AND changed_at < ?",
            *(data["status"], pictures[0] if pictures else None, data["updated_at"]),
            *(data["metadata"]["order"], data["updated_at"]),
        )
    return "", 204


@app.get("/orders/<id>")
def show_order(id):
    found = sql("SELECT * FROM orders WHERE id = ?", id)
    return found[0] if found else ("", 404)


@app.get("/customers/<customer>")
def show_customer(customer):
    """What a customer has ordered, and has used."""
    tasks = jimeng.get(f"{API}/tasks/user/shop:{customer}", timeout=30)
    usage = jimeng.get(f"{API}/users/shop:{customer}/usage", timeout=30)
    return {
        "orders": [each["metadata"].get("order") for each in tasks.json()["data"]],
        "pictures": usage.json()["data"]["totals"]["pictures"],
    }


threading.Thread(target=submit_new_orders, daemon=True).start()

if __name__ == "__main__":
    app.run("127.0.0.1", int(os.environ["PORT"]))
