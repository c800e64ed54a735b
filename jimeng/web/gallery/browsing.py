"""The gallery: filtered pictures, grouped by day, and the trash."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby

from flask import current_app, g, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jimeng.config import Config
from jimeng.documents import Collection, Image, Task
from jimeng.documents.cursors import Page
from jimeng.documents.principal import Principal
from jimeng.errors.collections import CollectionNotFound
from jimeng.gallery import browsing, bulk_trash, collections, tags, trash
from jimeng.gallery.browsing import Hits
from jimeng.http import auth
from jimeng.i18n import t
from jimeng.web import bp, is_htmx
from jimeng.web.gallery.filters import ASPECT_RATIOS, PERIODS, Filters
from jimeng.web.gallery.selection import split_ids
from jimeng.web.site.formats import today, zone

PAGE = 60  # pictures: full rows with two, three, four, five and six columns
DONE = frozenset(
    {
        *("trashed", "restored", "purged", "emptied", "starred", "unstarred"),
        *("collected", "uncollected", "made", "renamed", "dissolved"),
        *("tagged", "untagged"),
    }
)
OF_COLLECTIONS = DONE & {"collected", "uncollected", "made", "renamed"}
SIZES = ("1", "2", "3", "4", "5")  # small to large; gallery.css has the heights
MAX_AUTO_PAGES = 5  # pages loaded by scrolling; then the footer can be reached


@dataclass(frozen=True)
class Day:
    """
    Attributes:
        date: In the user's time zone; of a month, its first day.
        goes_on: Whether the previous page has already shown its heading.
        is_month: Whether it stands for a whole month.
    """

    date: dt.date
    images: list[Image]
    goes_on: bool = False
    is_month: bool = False

    @property
    def label(self) -> str:
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
    One page of pictures.

    Attributes:
        filters: The active filters; None in the trash.
        days: Newest first.
        next_cursor: Cursor of the next page, if there is one.
        automatic: How many more pages scrolling may load.
        is_first: Whether this is the first page.
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
        """The link to the next page."""
        return self._url(cursor=self.next_cursor or "")

    @property
    def more_url(self) -> str:
        """The URL from which scrolling loads the next page."""
        last = self.days[-1].date.isoformat()
        return self._url(
            cursor=self.next_cursor or "", after=last, auto=max(self.automatic - 1, 0)
        )

    def _url(self, **more: str | int) -> str:
        if self.filters is None:
            values: dict = {"trash": 1, **more}
            return url_for("web.gallery", **values)
        return self.filters.url(**more)


def remaining_auto_pages() -> int:
    """How many more pages scrolling may load, from the query."""
    value = request.args.get("auto", type=int)
    return MAX_AUTO_PAGES if value is None else max(0, min(value, MAX_AUTO_PAGES))


def thumbnail_size() -> str:
    """The thumbnail size, from the cookie that gallery.js sets."""
    value = request.cookies.get("gallery_size", "")
    return value if value in SIZES else SIZES[2]


def days_of(images: Iterable[Image], filters: Filters | None) -> list[Day]:
    """
    Group the pictures by day, or by month for a search, whose results are sparse. In
    the trash the day is that of the deletion.
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
        remaining_auto_pages(),
        "cursor" not in request.args,
    )


@bp.get("/gallery")
def gallery() -> ResponseReturnValue:
    """The gallery, with filters and cursor from the query."""
    if request.args.get("trash") == "1":
        return trash_page()
    principal, filters = g.principal, Filters.read(request.args)
    collection = own_collection(principal, filters.collection)
    cursor = request.args.get("cursor")
    found = browsing.browse(
        principal, filters.wanted(zone()), cursor=cursor, limit=PAGE
    )
    browsing.set_costs(found.rows)
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
        "size": thumbnail_size(),
        "keeping": retention(),
    }
    if is_htmx():
        return render_template("gallery/_filtered.html", **values)
    return render_template(
        "gallery/index.html",
        **values,
        models=browsing.models_used(principal),
        tags=tags.tags_used(principal),
        collections=collections.find_all(principal),
        shapes=ASPECT_RATIOS,
        periods=PERIODS,
        **notice(),
    )


def own_collection(principal: Principal, collection_id: str) -> Collection | None:
    """
    The collection that the query names, if any; the gallery shows only the user's own.

    Raises:
        CollectionNotFound: no such collection, or another user's.
    """
    if not collection_id:
        return None
    found = collections.find(principal, collection_id)
    if found.user_id != principal.user_id:
        raise CollectionNotFound(f"collection of {found.user_id}")
    return found


def notice() -> dict:
    """
    The notice of the action that the query says was just done, or the bulk action in
    progress, which suppresses the notice.
    """
    principal, done = g.principal, request.args.get("done", "")
    under_way, put = bulk_trash.under_way(principal), request.args.get("put", "")
    own = collections.find_all(principal) if put else []
    about = next((each for each in own if each.id == put), None)
    is_announced = (
        done in DONE and not under_way and (about or done not in OF_COLLECTIONS)
    )
    return {
        "under_way": under_way,
        "done": done if is_announced else None,
        "about": about,
        "left": request.args.get("left", 0, type=int),
        "n": request.args.get("n", 0, type=int),
        "batch": request.args.get("batch", type=int),
        "taken": split_ids(request.args.get("taken", "")),
    }


def trash_page() -> str:
    """Pictures deleted within the last week, which can be restored."""
    principal, cursor = g.principal, request.args.get("cursor")
    found = trash.trashed_pictures(principal, cursor=cursor, limit=PAGE)
    shelf = shelf_of(found, None)
    if is_htmx() and cursor is not None:
        return render_template("gallery/_items.html", shelf=shelf)
    without: list[Task] = trash.trashed_tasks(principal) if shelf.is_first else []
    return render_template(
        "gallery/trash.html",
        shelf=shelf,
        tasks=without,
        size=thumbnail_size(),
        **notice(),
    )


def retention() -> str | None:
    """The message about the retention of pictures; None if they are never deleted."""
    config: Config = current_app.config["JIMENG"]
    if config.KEEP_DAYS:
        return t("gallery.retention_days", n=config.KEEP_DAYS)
    has_limit = config.KEEP_GIB or config.KEEP_VIDEO_GIB
    return t("gallery.retention_size") if has_limit else None


@bp.app_template_global()
def has_videos() -> bool:
    """Whether the user has any video."""
    if "has_videos" not in g:
        g.has_videos = browsing.has_videos(auth.principal_of_page())
    return g.has_videos


@bp.app_template_global()
def counted(hits: Hits, mixed: bool | None = None) -> str:
    """
    The message for a number of pictures, videos or both.

    Args:
        mixed: Whether videos may be among them; by default, if the user has any.
    """
    mixed = has_videos() if mixed is None else mixed
    key = {"videos": "videos", "images": "hits"}.get(hits.kind or "")
    key = key or ("items" if mixed else "hits")
    end = "_more" if hits.more else ""
    return t(f"gallery.{key}{end}", n=hits.n)
