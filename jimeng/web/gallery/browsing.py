"""The gallery: all pictures, by day, as far as the filters let them through."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby

from flask import current_app, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jimeng.config import Config
from jimeng.documents import Collection, Image, Task
from jimeng.documents.cursors import Page
from jimeng.documents.principal import Principal
from jimeng.errors.collections import CollectionNotFound
from jimeng.gallery import browsing, bulk_trash, collections, trash
from jimeng.http import auth
from jimeng.i18n import t
from jimeng.web import bp, is_htmx
from jimeng.web.gallery.filters import SHAPES, Filters
from jimeng.web.gallery.selection import apart
from jimeng.web.site.formats import today, zone

PAGE = 60  # pictures: whole rows of two, three, four, five and six
DONE = frozenset(
    {
        *("trashed", "restored", "purged", "emptied", "starred", "unstarred"),
        *("collected", "uncollected", "made", "renamed", "dissolved"),
    }
)
OF_COLLECTIONS = DONE & {"collected", "uncollected", "made", "renamed"}
SIZES = ("1", "2", "3", "4", "5")  # from small to large; gallery.css says how high
AUTOMATIC = 5  # pages that follow by themselves; then the foot can be reached


@dataclass(frozen=True)
class Day:
    """
    Attributes:
        date: In the reader's zone; of a month, its first day.
        goes_on: The page before has shown its beginning.
        is_month: Whether it is a whole month.
    """

    date: dt.date
    images: list[Image]
    goes_on: bool = False
    is_month: bool = False

    @property
    def words(self) -> str:
        return t(
            self._key(today(zone())),
            year=self.date.year,
            month=t(f"gallery.month.{self.date.month}"),
            day=self.date.day,
            weekday=t(f"gallery.weekday.{self.date.isoweekday()}"),
        )

    def _key(self, now: dt.date) -> str:
        if self.is_month:
            return "gallery.whole_month"
        if self.date == now:
            return "gallery.today"
        if self.date == now - timedelta(days=1):
            return "gallery.yesterday"
        return "gallery.day" if self.date.year == now.year else "gallery.day_of_year"


@dataclass(frozen=True)
class Shelf:
    """
    A page of pictures, as it is shown.

    Attributes:
        filters: Which ones; None in the trash.
        days: Newest first.
        next_cursor: Where the next page begins, if there is one.
        automatic: How many more pages follow by themselves.
        is_first: Whether there is nothing newer.
    """

    filters: Filters | None
    days: list[Day]
    next_cursor: str | None
    automatic: int
    is_first: bool

    @property
    def is_trash(self) -> bool:
        return self.filters is None

    @property
    def images(self) -> list[Image]:
        return [image for day in self.days for image in day.images]

    @property
    def next_url(self) -> str:
        """Where a plain link leads."""
        return self._url(cursor=self.next_cursor or "")

    @property
    def more_url(self) -> str:
        """What a script asks for, to go on below what is shown."""
        last = self.days[-1].date.isoformat()
        return self._url(
            cursor=self.next_cursor or "", after=last, auto=max(self.automatic - 1, 0)
        )

    def _url(self, **more: str | int) -> str:
        if self.filters is None:
            values: dict = {"trash": 1, **more}
            return url_for("web.gallery", **values)
        return self.filters.url(**more)


def read_auto() -> int:
    """How many pages may still follow by themselves, as the last one said."""
    given = request.args.get("auto", type=int)
    return AUTOMATIC if given is None else max(0, min(given, AUTOMATIC))


def read_size() -> str:
    """How large pictures are shown, as gallery.js keeps it in this browser."""
    given = request.cookies.get("gallery_size", "")
    return given if given in SIZES else SIZES[2]


def days_of(images: Iterable[Image], filters: Filters | None) -> list[Day]:
    """
    The pictures by day; those of a search, which are few and far between, by month.
    In the trash it is the day on which they were deleted.
    """
    here, shown = zone(), request.args.get("after") if is_htmx() else None
    is_month = filters is not None and bool(filters.q)

    def day(image: Image) -> dt.date:
        moment = image.trashed_at if filters is None else image.created_at
        found = moment.astimezone(here).date()
        return found.replace(day=1) if is_month else found

    return [
        Day(each, list(found), each.isoformat() == shown, is_month)
        for each, found in groupby(images, day)
    ]


def shelf_of(found: Page[Image], filters: Filters | None) -> Shelf:
    return Shelf(
        filters,
        days_of(found.rows, filters),
        found.next_cursor,
        read_auto(),
        "cursor" not in request.args,
    )


@bp.get("/gallery")
def gallery() -> ResponseReturnValue:
    """All pictures; the address says which, and where to begin."""
    if request.args.get("trash") == "1":
        return show_trash()
    principal, filters = auth.principal_of_page(), Filters.read(request.args)
    collection = own_collection(principal, filters.collection)
    cursor = request.args.get("cursor")
    found = browsing.browse(
        principal, filters.wanted(zone()), cursor=cursor, limit=PAGE
    )
    shelf = shelf_of(found, filters)
    if is_htmx() and cursor is not None:
        return render_template("gallery/_items.html", shelf=shelf)
    found_none = filters.any if collection else browsing.has_pictures(principal)
    values = {
        "shelf": shelf,
        "collection": collection,
        "found_none": not found.rows and found_none,
        "hits": browsing.hits(principal, filters.wanted(zone()))
        if found.rows
        else None,
        "size": read_size(),
        "keeping": keeping(),
    }
    if is_htmx():
        return render_template("gallery/_filtered.html", **values)
    return render_template(
        "gallery/index.html",
        **values,
        models=browsing.models_used(principal),
        collections=collections.find_all(principal),
        shapes=SHAPES,
        **news(),
    )


def own_collection(principal: Principal, collection_id: str) -> Collection | None:
    """
    The collection that an address names, if it names one. The gallery has only what
    is the viewer's own.

    Raises:
        CollectionNotFound: no such collection, or somebody else's.
    """
    if not collection_id:
        return None
    found = collections.find(principal, collection_id)
    if found.user_id != principal.user_id:
        raise CollectionNotFound(f"collection of {found.user_id}")
    return found


def news() -> dict:
    """
    What was just done, as the address says, with how many; or what is being done,
    and then nothing is said to be over.
    """
    principal, done = auth.principal_of_page(), request.args.get("done", "")
    under_way, put = bulk_trash.under_way(principal), request.args.get("put", "")
    mine = collections.find_all(principal) if put else []
    about = next((each for each in mine if each.id == put), None)
    is_told = done in DONE and not under_way and (about or done not in OF_COLLECTIONS)
    return {
        "under_way": under_way,
        "done": done if is_told else None,
        "about": about,
        "left": request.args.get("left", 0, type=int),
        "n": request.args.get("n", 0, type=int),
        "batch": request.args.get("batch", type=int),
        "taken": apart(request.args.get("taken", "")),
    }


def show_trash() -> str:
    """What was deleted within a week, and can be brought back."""
    principal, cursor = auth.principal_of_page(), request.args.get("cursor")
    found = trash.trashed_pictures(principal, cursor=cursor, limit=PAGE)
    shelf = shelf_of(found, None)
    if is_htmx() and cursor is not None:
        return render_template("gallery/_items.html", shelf=shelf)
    without: list[Task] = trash.trashed_tasks(principal) if shelf.is_first else []
    return render_template(
        "gallery/trash.html", shelf=shelf, tasks=without, size=read_size(), **news()
    )


def keeping() -> str | None:
    """How long pictures stay, where the operator does not keep all; None: they do."""
    config: Config = current_app.config["JIMENG"]
    if config.KEEP_DAYS:
        return t("gallery.kept_days", n=config.KEEP_DAYS)
    return t("gallery.kept_room") if config.KEEP_GIB else None
