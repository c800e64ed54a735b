"""What the tests of the pages have in common: forms as browsers send them."""

import html
import re
from collections.abc import Iterator

from werkzeug.test import TestResponse

HTMX = {"HX-Request": "true"}
PROMPT = "雨后的江南小巷，水墨淡彩"
POST = {"Sec-Fetch-Site": "same-origin"}


def ask(client, *, htmx: bool = False, **fields: str) -> TestResponse:
    """Send the form for new pictures."""
    body = {"prompt": PROMPT, "size": "1:1", "n": "1", **fields}
    headers = {**POST, **(HTMX if htmx else {})}
    return client.post("/tasks", data=body, headers=headers)


def send(client, path: str, *, htmx: bool = False, **fields: object) -> TestResponse:
    """Send another form."""
    headers = {**POST, **(HTMX if htmx else {})}
    return client.post(path, data=fields, headers=headers)


def choices(client, **fields: str) -> TestResponse:
    """The choices of the form as they come in place of another model's."""
    return client.get("/composer", query_string=fields, headers=HTMX)


def chosen(page, name: str) -> str | None:
    """The value of a field of the form, as it would be sent."""
    radio = rf'<input type="radio" name="{name}" value="([^"]*)"[^>]*? checked'
    text = rf'<input class="input[^"]*"[^>]* name="{name}"[^>]* value="([^"]*)"'
    found = re.search(radio, page.text) or re.search(text, page.text)
    return html.unescape(found[1]) if found else None


def ids(page: TestResponse) -> list[str]:
    """The tasks whose cards a page shows, from the top."""
    return re.findall(r'<article id="task-([0-9a-z_]+)"', page.text)


def new_task(client, **fields: str) -> str:
    """Ask for pictures without JavaScript and return the task's id."""
    ask(client, **fields)
    return ids(client.get("/"))[0]


def marks(page: TestResponse) -> list[str]:
    """What a page would send along when it asks for changes."""
    return re.findall(r'name="c" value="([^"]+)"', page.text)


def look(client, shown: list[str], **query: str) -> TestResponse:
    """Ask what has changed since."""
    query_string = {"c": shown, **query}
    return client.get("/feed/changes", query_string=query_string, headers=HTMX)


def links(page: TestResponse, words: str) -> Iterator[str]:
    """The addresses in a page that have *words* in them."""
    for found in re.findall(r'(?:href|src)="([^"]+)"', page.text):
        if words in found:
            yield html.unescape(found)


def picture_of(client, task_id: str) -> str:
    """The address of a finished task's first picture."""
    return next(links(client.get(f"/tasks/{task_id}"), "/i/")).partition("?")[0]


def error_at(page: TestResponse, field: str) -> str | None:
    """What is said beside a field of a form that came back."""
    place = rf'id="errors-{field}" class="errors"><p class="error">([^<]*)'
    found = re.search(place, page.text)
    return html.unescape(found[1]) if found else None
