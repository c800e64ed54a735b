"""What each request counts as: a submission, a picture, a poll, or none of these."""

import re
from collections import defaultdict

from flask import request

from jimeng import limits
from jimeng.http.request_kinds import kind_of
from tests.access.test_walk import places
from tests.access.walk import ask, walk

__all__ = ["places"]

MARKED = {
    "submit": {
        *("api.create_task", "api.create_image_task", "api.create_video_task"),
        *("api.retry_task", "web.create", "web.create_video", "web.again", "web.retry"),
        *("web.edit_picture", "web.edit_input", "openai.generate", "openai.edit"),
        *("openai.create_video", "ark.generate", "ark.create"),
    },
    "picture": {
        *("web.image", "web.thumbnail", "web.preview", "web.video", "web.last_frame"),
        *("web.trashed_thumbnail", "web.input_link", "web.input_picture"),
        *("web.input_thumbnail", "web.shared_file", "api.get_upload_content"),
        "openai.get_video_content",
    },
    "poll": {
        *("api.get_result", "api.get_video_result", "api.get_task", "api.get_batch"),
        *("openai.get_video", "ark.get", "web.card", "web.changes", "web.family"),
        *("web.task_changes", "web.batch_card", "web.batch_now", "web.tidying"),
        *("web.cancelling", "admin.live", "admin.hours", "admin.clear_progress"),
        "admin.failures_progress",
    },
    "call": {"mcp.handle_message"},
}
# These make many tasks, each of which may wait for its limits; they count as changes.
BULK = {
    *("api.create_batch", "web.create_batch", "api.retry_batch", "web.retry_batch"),
    *("api.retry_tasks", "web.retry_tasks"),
}
# After these whoever sends them has nothing more to ask with, or about.
ENDING = re.compile(r"\.(sign_out|end_session|revoke|delete|purge)")


def test_every_route_has_a_kind(app):
    """Whoever adds a route that is none of these has a read or a change."""
    found = defaultdict(set)
    for rule, method in walk(app):
        with app.test_request_context(method=method):
            request.url_rule = rule
            kind = kind_of(request)
        if kind in MARKED:
            found[kind].add(rule.endpoint)
        else:
            assert kind == ("read" if method == "GET" else "change"), rule

    assert found == MARKED


def test_routes_do_what_their_kind_says(secured, places, ada, monkeypatch):
    """What reserves a place is a submission, and what sends a picture is one."""
    reserved, reserve = [], limits.reserve

    def note(*args: object, **how: object) -> object:
        reserved.append(args)
        return reserve(*args, **how)

    monkeypatch.setattr(limits, "reserve", note)
    found = defaultdict(set)
    for rule, method in walk(secured):
        is_page = method == "GET" and not rule.arguments
        waits = rule.endpoint in {"api.follow_task", "api.follow_batch"}
        if is_page or waits or ENDING.search(rule.endpoint):
            continue
        with ask(ada.client, rule, method, places, ada.key) as answer:
            if answer.mimetype.startswith(("image/", "video/")):
                found["picture"].add(rule.endpoint)
        if reserved:
            found["submit"].add(rule.endpoint)
            reserved.clear()

    assert found["submit"] - BULK <= MARKED["submit"]
    assert found["picture"] - {"static"} <= MARKED["picture"]
    assert len(found["submit"]) >= 6 and len(found["picture"]) >= 6, found
