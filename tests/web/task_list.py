"""The task list as its visitors see it, and tasks for it."""

import re

from jimeng.errors import ProviderError
from tests.page import PROMPT

ENGLISH = {"Accept-Language": "en-GB"}
REFUSED = ProviderError("no", code="content_refused_prompt")
BUSY = ProviderError("no", code="moderation_unavailable")
UNKNOWN = ProviderError(
    "502", code="submit_unknown", maybe_accepted=True, charged="unknown"
)


def rows(page) -> list[str]:
    """The tasks whose rows a page shows, from the top."""
    return re.findall(r'<li id="row-([0-9a-z_]+)"', page.text)


def counts(page) -> dict[str, int]:
    """What stands beside the name of each state; "" is all."""
    found = re.findall(
        r'<a href="/tasks(?:\?(?:status=(\w+))?[^"]*)?"[^>]*>[^<]*<span[^>]*>(\d+)<',
        page.text,
    )
    return {state: int(n) for state, n in found}


def new_task(client, prompt: str = PROMPT, **fields: object) -> str:
    """Ask for a picture as the pages' own guest and return the task's id."""
    body = {"type": "image", "user_id": "guest", "prompt": prompt, **fields}
    return client.post("/api/v1/ai/tasks", json=body).json["data"]["task_id"]


def fail(client, provider, work_off, *errors, **fields) -> list[str]:
    """Tasks that failed, one for each error, the newest first."""
    made = []
    for error in errors:
        made.append(new_task(client, **fields))
        provider.submits.append(error)
        work_off()
    return made[::-1]
