"""The feed, the page of one task, and the polls for their changes."""

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jimeng import batches, tasks
from jimeng.documents.kinds import VIDEO
from jimeng.http import auth
from jimeng.http.request_kinds import polled
from jimeng.web import bp, is_htmx
from jimeng.web.batches.views import views_of
from jimeng.web.create.initial import initial_form, stage_instead
from jimeng.web.tasks.cards import (
    Card,
    cards_of,
    find_changes,
    poll_interval_s,
    progress_of,
    read_marks,
)
from jimeng.web.tasks.filters import chosen_filter, filter_context

PAGE = 12  # cards


@bp.get("/")
def index() -> ResponseReturnValue:
    """
    The form, and the user's tasks and batches as a contact sheet, newest first; with
    ``show`` the tasks that a filter matches.
    """
    if is_htmx():
        return show_feed("tasks/_page.html")
    return stage_instead() or front_page()


def front_page() -> ResponseReturnValue:
    form = initial_form()
    if form.makes == VIDEO and request.args.get("make") != VIDEO:
        # By its address the page is known to have the form for videos.
        query: dict = {**request.args.to_dict(), "make": VIDEO}
        return redirect(url_for(".index", **query))
    return show_feed("tasks/index.html", form=form)


def show_feed(template: str, **values: object) -> str:
    """The sheet, or the part of it that a filter matches, whose tasks are single."""
    principal, cursor = auth.principal_of_page(), request.args.get("cursor")
    chosen = chosen_filter()
    if chosen:
        found = chosen.page(cursor)
        cards = shown = cards_of(found.rows)
        next_cursor = found.next_cursor
        values |= {} if is_htmx() else filter_context(chosen)
    else:
        page = batches.feed(principal, limit=PAGE, cursor=cursor)
        cards, next_cursor = cards_of(page.tasks), page.next_cursor
        known = {card.task.id: card for card in cards}
        known |= {each.batch.id: each for each in views_of(principal, page.batches)}
        shown = [known[each.id] for each in page.rows]
    return render_template(
        template,
        chosen=chosen,
        cards=shown,
        next_cursor=next_cursor,
        wait=poll_interval_s(cards),
        live=count_live(cards),
        progress=progress_of(principal, cards),
        **values,
    )


def count_live(cards: list[Card]) -> int:
    return sum(card.is_open for card in cards)


@bp.get("/tasks/<task_id>")
def task(task_id: str) -> ResponseReturnValue:
    """One task: its pictures large, with all its details."""
    card = find_card(task_id, is_page=True)
    return render_template(
        "tasks/show.html",
        card=card,
        wait=poll_interval_s([card]),
        live=count_live([card]),
    )


@bp.get("/tasks/<task_id>/card")
@polled
def card(task_id: str) -> ResponseReturnValue:
    """One task as a card of the feed."""
    return render_template("tasks/_card.html", card=find_card(task_id))


def find_card(task_id: str, *, is_page: bool = False) -> Card:
    found = tasks.find(auth.principal_of_page(), task_id)
    return cards_of([found], is_page=is_page)[0]


@bp.get("/feed/changes")
@polled
def changes() -> ResponseReturnValue:
    """
    The changes of the tasks that a page shows as unfinished.

    Each ``c`` is a mark. The server stores nothing about what was sent, so a lost
    response is repeated by the next poll.
    """
    is_page = request.args.get("page") == "task"
    cards, changed, gone = find_changes(
        read_marks(request.args.getlist("c")), is_page=is_page
    )
    wait = poll_interval_s(cards)
    if wait and not changed and not gone:
        return "", 204
    return render_template(
        "tasks/_changes.html",
        changes=changed,
        gone=gone,
        wait=wait,
        live=count_live(cards),
        progress=progress_of(auth.principal_of_page(), cards),
        is_page=is_page,
        titled=cards[0] if is_page and cards else None,
    )
