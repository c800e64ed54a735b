"""What of the gallery is wanted: as its address says it, and as its form sends it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta, tzinfo

from flask import url_for

from jimeng.gallery.browsing import Wanted
from jimeng.pictures.search_terms import OTHER
from jimeng.providers.models import RATIOS
from jimeng.web.site.formats import start_of

MAX_TEXT = 200  # characters of a search
SHAPES = (*RATIOS, OTHER)
COLLECTION_ID = re.compile(r"collection_[0-9a-f]{24}")


@dataclass(frozen=True, kw_only=True)
class Filters:
    """
    Attributes:
        q: Words of the prompt.
        fav: Only favourites.
        model: Only of this model; any if empty.
        ratio: Only of this shape; any if empty.
        since: The first day.
        until: The last day.
        collection: Only what is in the collection of that id.
    """

    q: str = ""
    fav: bool = False
    model: str = ""
    ratio: str = ""
    since: date | None = None
    until: date | None = None
    collection: str = ""

    @classmethod
    def read(cls, given: Mapping[str, str]) -> "Filters":
        """What cannot be meant is left out."""
        ratio, collection = given.get("ratio", ""), given.get("in", "")
        return cls(
            q=given.get("q", "").strip()[:MAX_TEXT],
            fav=given.get("fav") == "1",
            model=given.get("model", "")[:MAX_TEXT],
            ratio=ratio if ratio in SHAPES else "",
            since=day_of(given.get("from", "")),
            until=day_of(given.get("to", "")),
            collection=collection if COLLECTION_ID.fullmatch(collection) else "",
        )

    @property
    def any(self) -> bool:
        """Whether less is wanted than there is, of the collection or of all."""
        return self != self.none

    @property
    def none(self) -> "Filters":
        """The same place, and all that is in it."""
        return Filters(collection=self.collection)

    @property
    def narrowed(self) -> int:
        """How many things besides words are asked for."""
        return len(self.query.keys() - {"q", "in"})

    @property
    def query(self) -> dict[str, str]:
        """What the address says."""
        given = {
            "in": self.collection,
            "q": self.q,
            "fav": "1" if self.fav else "",
            "model": self.model,
            "ratio": self.ratio,
            "from": self.since.isoformat() if self.since else "",
            "to": self.until.isoformat() if self.until else "",
        }
        return {name: value for name, value in given.items() if value}

    def url(self, **more: str | int) -> str:
        """The address of the gallery with these filters."""
        values: dict = {**self.query, **more}
        return url_for("web.gallery", **values)

    def picture_url(self, picture_id: str, **more: str | int) -> str:
        """The page of a picture that is among these, and whose neighbours are."""
        values: dict = {**self.query, **more}
        return url_for("web.picture", picture_id=picture_id, **values)

    def wanted(self, where: tzinfo) -> Wanted:
        since, until = self.since, self.until
        return Wanted(
            q=self.q,
            favourite=self.fav,
            model=self.model,
            ratio=self.ratio,
            since=start_of(since, where) if since else None,
            until=start_of(until + timedelta(days=1), where) if until else None,
            collection=self.collection,
        )


def day_of(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    # Days that have a neighbour in every zone.
    return day if 1970 <= day.year <= 9000 else None
