"""Tasks for the tests of pages, asked for over the API as the guest of the pages."""

import requests

from tests.rest import API
from tests.system.stack import Stack, wait_for


def ask(server: Stack, prompt: str, **fields: object) -> str:
    """Ask for small pictures and return the task's id at once."""
    wanted = {"user_id": "guest", "prompt": prompt, "size": "512x512", **fields}
    answer = requests.post(f"{server.url}{API}/ai/image/task", json=wanted, timeout=10)
    return answer.json()["data"]["task_id"]


def finish(server: Stack, task_id: str) -> str:
    """Wait until a task has ended, and return its id."""

    def has_ended() -> bool:
        url = f"{server.url}{API}/tasks/{task_id}"
        found = requests.get(url, timeout=10).json()["data"]
        return found["status"] not in {"pending", "processing"}

    wait_for(has_ended, 30, "a task that has ended")
    return task_id


def make(server: Stack, prompt: str, **fields: object) -> str:
    """Ask for small pictures and wait for them."""
    return finish(server, ask(server, prompt, **fields))


def card_of(page, task_id: str):
    """The card of a task on a page."""
    return page.locator(f"#task-{task_id}")
