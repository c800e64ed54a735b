"""
Tasks for the tests of pages, asked for over the API: as the guest of open pages, or
with somebody's key.
"""

import requests

from tests.rest import API
from tests.system import people
from tests.system.stack import Stack
from tests.waiting import wait_for


def header(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"} if key else {}


def ask(server: Stack, prompt: str, *, key: str = "", **fields: object) -> str:
    """Ask for small pictures and return the task's id at once."""
    wanted = {"type": "image", "prompt": prompt, "size": "512x512", **fields}
    if not key:
        wanted["user_id"] = "guest"
    url = f"{server.url}{API}/ai/tasks"
    answer = requests.post(url, json=wanted, headers=header(key), timeout=60).json()
    return answer["data"]["task_id"]


def finish(server: Stack, task_id: str, *, key: str = "") -> str:
    """Wait until a task has ended, and return its id."""
    url = f"{server.url}{API}/tasks/{task_id}"

    def has_ended() -> bool:
        found = requests.get(url, headers=header(key), timeout=60).json()["data"]
        return found["status"] not in {"pending", "processing"}

    wait_for(has_ended, what="a task that has ended")
    return task_id


def make(server: Stack, prompt: str, *, key: str = "", **fields: object) -> str:
    """Ask for small pictures and wait for them."""
    return finish(server, ask(server, prompt, key=key, **fields), key=key)


def clear(server: Stack) -> None:
    """Nobody has asked for anything yet: pages are short, and soon looked through."""
    with server.database() as found:
        for name in ("tasks", "generations", "images", "batches"):
            found[name].delete_many({})


def choices_of(page, *, shown: bool = True) -> None:
    """Open or close the sheet that a narrow window has the choices in, if it is one."""
    chip, sheet = page.locator(".sum"), page.locator("#sheet")
    if chip.is_visible() and sheet.is_visible() is not shown:
        (chip if shown else sheet.locator(".sheet-done")).click()


def card_of(page, task_id: str):
    """The card of a task on a page."""
    return page.locator(f"#task-{task_id}")


def slot_of(page, task_id: str, index: int = 0):
    """The place of one picture of a task."""
    return page.locator(f"#slot-{task_id}-{index}")


def button(within, name: str):
    """A button of a page, or of a part of one."""
    return within.get_by_role("button", name=name, exact=True)


def sign_in(page, who: people.Account) -> None:
    """On the page that asks for it."""
    page.get_by_label("E-mail").fill(who.email)
    password = page.get_by_label("Password", exact=True)
    password.fill(people.PASSWORD)
    password.press("Enter")


def await_let_go(page, name: str) -> None:
    """Wait until nothing holds what a weak reference of the page refers to."""
    tools = page.context.new_cdp_session(page)

    def is_gone() -> bool:
        tools.send("HeapProfiler.collectGarbage")
        return page.evaluate(f"{name}.deref() === undefined")

    wait_for(is_gone, what="nothing holds what was removed")
