"""The feed, the page of one task, and the polls for their changes."""

from flask import g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jimeng import batches, tasks
from jimeng.documents.kinds import VIDEO
from jimeng.documents.principal import Principal
from jimeng.http import auth
from jimeng.http.request_kinds import polled
from jimeng.tasks import WaitingSummary
from jimeng.web import bp, is_htmx
from jimeng.web.batches.views import views_of
from jimeng.web.create.initial import initial_form, stage_instead
from jimeng.web.tasks.cards import (
    Card,
    cards_of,
    find_changes,
    poll_interval_s,
    read_marks,
)

PAGE = 12  # cards
SUMMARISE_FROM = 3  # waiting tasks; from then on a message summarises the queue


@bp.get("/")
def index() -> ResponseReturnValue:
    """
    The form, and the user's tasks and batches as a contact sheet, newest first.
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
    principal = auth.principal_of_page()
    page = batches.feed(principal, limit=PAGE, cursor=request.args.get("cursor"))
    cards = cards_of(page.tasks)
    known = {card.task.id: card for card in cards}
    known |= {view.batch.id: view for view in views_of(principal, page.batches)}
    return render_template(
        template,
        cards=[known[each.id] for each in page.rows],
        next_cursor=page.next_cursor,
        wait=poll_interval_s(cards),
        live=count_live(cards),
        queue=queue_summary(principal, cards),
        **values,
    )


def queue_summary(
    principal: Principal, cards: list[Card], others: int = 0
) -> WaitingSummary | None:
    """
    The summary of the user's queue, if it is long or the page already shows one.

    Args:
        others: Unfinished tasks on the page besides *cards*.
    """
    is_shown = request.values.get("l") == "1"
    many = others + sum(card.waits for card in cards) >= SUMMARISE_FROM
    found = tasks.waiting_summary(principal) if is_shown or many else None
    return found if found and (is_shown or found.n >= SUMMARISE_FROM) else None


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
        queue=None if is_page else queue_summary(g.principal, cards),
        is_page=is_page,
        titled=cards[0] if is_page and cards else None,
    )
