"""The gallery's filters, read from a query or a form."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta, tzinfo

from flask import url_for

from jimeng.documents.image import fold
from jimeng.gallery.browsing import KINDS, PictureFilter
from jimeng.gallery.tags import MAX_TAG_CHARS
from jimeng.providers.models import RATIOS
from jimeng.providers.models.model import OTHER_RATIO
from jimeng.web.site.formats import day_of, start_of, today

MAX_SEARCH_CHARS = 200
ASPECT_RATIOS = (*RATIOS, OTHER_RATIO)
BATCH_ID = re.compile(r"batch_[0-9a-f]{32}")
PERIODS = ("today", "this_week", "last_week", "last_month")
COLLECTION_ID = re.compile(r"collection_[0-9a-f]{24}")


@dataclass(frozen=True, kw_only=True)
class Filters:
    """
    Attributes:
        q: Search words in the prompt.
        fav: Only favourites.
        model: Only of this model; any if empty.
        ratio: Only of this aspect ratio; any if empty.
        since: The first day.
        until: The last day.
        collection: Only pictures in the collection of that id.
        tag: Only pictures with this tag; any if empty.
        batch: The batch whose page the picture was opened from; the gallery has no
            such filter.
        kind: ``images`` or ``videos``; both if empty.
        period: One of `PERIODS`, as of the day on which it is used; any if empty.
    """

    q: str = ""
    fav: bool = False
    model: str = ""
    ratio: str = ""
    since: date | None = None
    until: date | None = None
    collection: str = ""
    tag: str = ""
    batch: str = ""
    kind: str = ""
    period: str = ""

    @classmethod
    def read(cls, values: Mapping[str, str]) -> "Filters":
        """Read the filters; invalid values are ignored."""
        ratio, collection = values.get("ratio", ""), values.get("in", "")
        batch = values.get("batch", "")
        kind, period = values.get("kind", ""), values.get("period", "")
        return cls(
            q=values.get("q", "").strip()[:MAX_SEARCH_CHARS],
            fav=values.get("fav") == "1",
            model=values.get("model", "")[:MAX_SEARCH_CHARS],
            ratio=ratio if ratio in ASPECT_RATIOS else "",
            since=day_of(values.get("from", "")),
            until=day_of(values.get("to", "")),
            collection=collection if COLLECTION_ID.fullmatch(collection) else "",
            tag=fold(values.get("tag", ""))[:MAX_TAG_CHARS],
            batch=batch if BATCH_ID.fullmatch(batch) else "",
            kind=kind if kind in KINDS else "",
            period=period if period in PERIODS else "",
        )

    @property
    def any(self) -> bool:
        """Whether any filter is active besides the collection."""
        return self != self.none

    @property
    def none(self) -> "Filters":
        """The same collection without any other filter."""
        return Filters(collection=self.collection)

    @property
    def narrowed(self) -> int:
        """How many filters are active besides search words and collection."""
        return len(self.query.keys() - {"q", "in"})

    @property
    def query(self) -> dict[str, str]:
        """The filters as query parameters."""
        values = {
            "in": self.collection,
            "q": self.q,
            "fav": "1" if self.fav else "",
            "model": self.model,
            "ratio": self.ratio,
            "tag": self.tag,
            "batch": self.batch,
            "kind": self.kind,
            "period": self.period,
            "from": self.since.isoformat() if self.since else "",
            "to": self.until.isoformat() if self.until else "",
        }
        return {name: value for name, value in values.items() if value}

    def url(self, **more: str | int) -> str:
        """The URL of the list: the batch, or the gallery with these filters."""
        if self.batch:
            return url_for("web.batch", batch_id=self.batch)
        values: dict = {**self.query, **more}
        return url_for("web.gallery", **values)

    def picture_url(self, picture_id: str, **more: str | int) -> str:
        """The URL of a picture's page, whose neighbours are those of these filters."""
        values: dict = {**self.query, **more}
        return url_for("web.picture", picture_id=picture_id, **values)

    def wanted(self, where: tzinfo) -> PictureFilter:
        first, last = period_of(self.period, today(where))
        since = max(filter(None, (self.since, first)), default=None)
        until = min(filter(None, (self.until, last)), default=None)
        return PictureFilter(
            q=self.q,
            favourite=self.fav,
            model=self.model,
            ratio=self.ratio,
            since=start_of(since, where) if since else None,
            until=start_of(until + timedelta(days=1), where) if until else None,
            collection=self.collection,
            tag=self.tag,
            batch=self.batch,
            kind=self.kind,
        )


def period_of(name: str, day: date) -> tuple[date | None, date | None]:
    """
    The first and the last day of a period, as of *day*. Weeks begin on Monday; the
    periods that contain the day have no last one.
    """
    monday = day - timedelta(days=day.weekday())
    last_month = day.replace(day=1) - timedelta(days=1)
    return {
        "today": (day, None),
        "this_week": (monday, None),
        "last_week": (monday - timedelta(days=7), monday - timedelta(days=1)),
        "last_month": (last_month.replace(day=1), last_month),
    }.get(name, (None, None))
