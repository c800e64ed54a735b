"""
Tasks for the tests of pages, asked for over the API: as the guest of open pages, or
with somebody's key.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

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
    answer = server.ask("POST", f"{API}/ai/tasks", wanted, headers=header(key))[1]
    return answer["data"]["task_id"]


def finish(server: Stack, task_id: str, *, key: str = "") -> str:
    """Wait until a task has ended, and return its id."""

    def has_ended() -> bool:
        path = f"{API}/tasks/{task_id}"
        found = server.ask("GET", path, headers=header(key))[1]["data"]
        return found["status"] not in {"pending", "processing"}

    wait_for(has_ended, what="a task that has ended")
    return task_id


def make(server: Stack, prompt: str, *, key: str = "", **fields: object) -> str:
    """Ask for small pictures and wait for them."""
    return finish(server, ask(server, prompt, key=key, **fields), key=key)


def await_idle(server: Stack) -> None:
    """Wait until no picture of an earlier test is generated, and drop those queued."""
    ended = {"$in": ["done", "failed", "unknown", "dropped"]}
    with server.database() as found:
        found.generations.delete_many({"state": {"$in": ["delayed", "queued"]}})
        wait_for(
            lambda: not found.generations.count_documents({"state": {"$not": ended}}),
            what="all that has begun has ended",
        )


def move_clock(server: Stack, seconds: float) -> None:
    """
    Move the simulator's clock forward. It never goes back: pictures that are completed
    would be generated again.
    """
    path, url = "/_simulator/settings", server.simulator_url
    ahead = server.ask("GET", path, url=url)[1]["clock_offset"]
    server.simulate(clock_offset=ahead + seconds)


@contextmanager
def keep_generating(server: Stack) -> Iterator[None]:
    """Pictures requested in this context are generated until its end."""
    server.simulate(duration=600.0)
    try:
        yield
    finally:
        server.simulate(duration=0.3)
        move_clock(server, 600.0)


def clear(server: Stack) -> None:
    """Nobody has asked for anything yet: pages are short, and soon looked through."""
    await_idle(server)
    with server.database() as found:
        for name in ("tasks", "generations", "images", "batches"):
            found[name].delete_many({})


def choices_of(page, *, shown: bool = True) -> None:
    """Open or close the sheet with the settings."""
    chip, sheet = page.locator(".sum"), page.locator("#sheet")
    if sheet.is_visible() is not shown:
        (chip if shown else sheet.locator(".sheet-head button")).click()


def card_of(page, task_id: str):
    """The card of a task on a page."""
    return page.locator(f"#task-{task_id}")


def slot_of(page, task_id: str, index: int = 0):
    """The place of one picture of a task."""
    return page.locator(f"#slot-{task_id}-{index}")


def button(within, name: str):
    """A button of a page, or of a part of one."""
    return within.get_by_role("button", name=name, exact=True)


# As Safari reports the key that ends a composition: it composes no longer, and only the
# code says that the key belongs to the input method.
COMMITTED = """
async (target, key) => {
  const isFree = target.dispatchEvent(new KeyboardEvent("keydown",
    { keyCode: 229, bubbles: true, cancelable: true, ...key }));
  // What a handler has begun shows.
  for (const _ of "12") await new Promise(requestAnimationFrame);
  return isFree;
}
"""


def commit(target, key: str, **held: bool) -> None:
    """Commit a word of an input method in *target* with this key."""
    assert target.evaluate(COMMITTED, {"key": key, **held}), "a handler took the key"


def file(content: bytes, name: str = "a.jpg", kind: str = "image/jpeg") -> dict:
    """One that is chosen in a page."""
    return {"name": name, "mimeType": kind, "buffer": content}


def sign_in(page, who: people.Account) -> None:
    """On the page that asks for it."""
    page.get_by_label("E-mail").fill(who.email)
    password = page.get_by_label("Password", exact=True)
    password.fill(people.PASSWORD)
    password.press("Enter")


def await_request(page, routes: list) -> None:
    """Wait until the page has sent a request, which its handler adds to *routes*."""
    wait_for(lambda: page.evaluate("() => 1") and routes, what="it is asked for")


def type_at_once(page, key: str, words: str, url: str | re.Pattern) -> None:
    """Press *key*, whose answer comes from *url*, and type before it is there."""
    held: list = []
    is_typed = False

    def hold(route) -> None:
        if is_typed:
            route.continue_()
        else:
            held.append(route)

    page.route(url, hold)
    page.keyboard.press(key)
    page.keyboard.type(words)
    is_typed = True
    assert len(held) <= 1, "a letter has asked for something"
    for route in held:
        route.continue_()


def await_let_go(page, name: str) -> None:
    """Wait until nothing holds what a weak reference of the page refers to."""
    tools = page.context.new_cdp_session(page)

    def is_gone() -> bool:
        tools.send("HeapProfiler.collectGarbage")
        return page.evaluate(f"{name}.deref() === undefined")

    wait_for(is_gone, what="nothing holds what was removed")
