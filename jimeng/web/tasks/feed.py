"""What is looked at: the feed, one task, and what has changed of them."""

from flask import render_template, request
from flask.typing import ResponseReturnValue

from jimeng import batches, tasks
from jimeng.documents.principal import Principal
from jimeng.http import auth
from jimeng.tasks import WaitingSummary
from jimeng.web import bp, is_htmx
from jimeng.web.batches.views import views_of
from jimeng.web.create.initial import asked_for
from jimeng.web.tasks.cards import Card, cards_of, interval, look_again, read_marks

PAGE = 12  # cards
MANY = 3  # tasks that wait: from then on a line sums them up


@bp.get("/")
def index() -> ResponseReturnValue:
    """The form, and under it what was asked for, newest first."""
    if is_htmx():
        return show_feed("tasks/_page.html")
    return show_feed("tasks/index.html", form=asked_for())


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
        wait=interval(cards),
        live=count_live(cards),
        line=line_of(principal, cards),
        **values,
    )


def line_of(
    principal: Principal, cards: list[Card], others: int = 0
) -> WaitingSummary | None:
    """
    All that waits, where that may be much, or the page has said so before.

    Args:
        others: Unfinished ones on the page besides *cards*.
    """
    told = request.values.get("l") == "1"
    many = others + sum(card.waits for card in cards) >= MANY
    found = tasks.waiting_summary(principal) if told or many else None
    return found if found and (told or found.n >= MANY) else None


def count_live(cards: list[Card]) -> int:
    return sum(card.is_open for card in cards)


@bp.get("/tasks/<task_id>")
def task(task_id: str) -> ResponseReturnValue:
    """One task: its pictures large, and all there is to know about it."""
    card = find_card(task_id, is_page=True)
    return render_template(
        "tasks/show.html", card=card, wait=interval([card]), live=count_live([card])
    )


@bp.get("/tasks/<task_id>/card")
def card(task_id: str) -> ResponseReturnValue:
    """One task as the feed shows it."""
    return render_template("tasks/_card.html", card=find_card(task_id))


def find_card(task_id: str, *, is_page: bool = False) -> Card:
    found = tasks.find(auth.principal_of_page(), task_id)
    return cards_of([found], is_page=is_page)[0]


@bp.get("/feed/changes")
def changes() -> ResponseReturnValue:
    """
    What has changed since, of the tasks that a page shows as unfinished.

    Each ``c`` is the mark of one; nothing is kept here of who has seen what, so
    an answer that is lost on its way is given again.
    """
    is_page = request.args.get("page") == "task"
    cards, changed, gone = look_again(
        read_marks(request.args.getlist("c")), is_page=is_page
    )
    wait = interval(cards)
    if wait and not changed and not gone:
        return "", 204
    return render_template(
        "tasks/_changes.html",
        changes=changed,
        gone=gone,
        wait=wait,
        live=count_live(cards),
        line=None if is_page else line_of(auth.principal_of_page(), cards),
        is_page=is_page,
        titled=cards[0] if is_page and cards else None,
    )
