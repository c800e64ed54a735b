"""View models of batches."""

from collections.abc import Sequence
from dataclasses import dataclass

from jimeng import batches, jobs
from jimeng.batches import Progress, queries
from jimeng.batches.actions import CANCELLED, Missing, missing
from jimeng.batches.expansion import labels_of
from jimeng.batches.progress import goes_on, status_of
from jimeng.batches.queries import BatchPictures
from jimeng.billing import costs
from jimeng.documents import Batch, Image
from jimeng.documents.principal import Principal
from jimeng.errors import Invalid
from jimeng.http import auth
from jimeng.i18n import MESSAGES, t
from jimeng.providers.models import Size
from jimeng.providers.models.output_size import resolve_size
from jimeng.schemas.batches import waiting_text
from jimeng.web.create import options
from jimeng.web.create.inputs import FormInput, usable_inputs
from jimeng.web.site.formats import yuan_short
from jimeng.web.tasks.titles import style_name

STRIP = 8  # pictures on a card
PAGE = 48  # pictures on a page
MAX_GRID = 200  # pictures of a batch that is shown as a grid
ACTIVE_POLL_S, IDLE_POLL_S = 3, 10  # while pictures are generated; while it waits
PARTS = ("done", "failed", "cancelled", "drawing", "waiting", "unmade")


@dataclass(frozen=True)
class BatchView:
    """
    Attributes:
        progress: Its counts by state.
        images: Some of its pictures, newest first.
    """

    batch: Batch
    progress: Progress
    images: Sequence[Image] = ()

    @property
    def inputs(self) -> list[FormInput]:
        """The inputs of all its tasks, as far as they still exist."""
        return usable_inputs(auth.principal_of_page(), self.batch.inputs or [])

    @property
    def title(self) -> str:
        """Its name, else its template, else its first prompt."""
        first = next(iter(self.batch.prompts), "")
        return self.batch.name or self.batch.template or first

    @property
    def status(self) -> str:
        return status_of(self.batch, self.progress)

    @property
    def is_open(self) -> bool:
        """Whether the page should continue polling."""
        return goes_on(self.batch, self.progress)

    @property
    def is_cancellable(self) -> bool:
        return self.is_open and self.batch.stopped != CANCELLED

    @property
    def missing(self) -> Missing:
        return missing(self.batch, self.progress)

    @property
    def counts(self) -> list[tuple[str, int]]:
        """The states that occur, each with its number of pictures."""
        found = [(name, getattr(self.progress, name)) for name in PARTS]
        return [(name, n) for name, n in found if n]

    @property
    def bars(self) -> list[tuple[str, float, float]]:
        """The segments of the progress bar: state, offset and length, in percent."""
        at, found = 0.0, []
        for name, n in self.counts:
            share = 100 * n / max(self.progress.total, 1)
            found.append((name, round(at, 2), round(share, 2)))
            at += share
        return found

    @property
    def waits(self) -> str | None:
        """The message that says why it waits."""
        if self.progress.hold_reason:
            return t(f"status.held_{self.progress.hold_reason}")
        code = (self.batch.waits or {}).get("code")
        if code is None or not (self.batch.is_filling or self.batch.again):
            return None
        return waiting_text(code)

    @property
    def stopped(self) -> str | None:
        """The reason why it was stopped, unless its owner has cancelled it."""
        code = self.batch.stopped
        if code in (None, CANCELLED):
            return None
        known = f"stopped.{code}" in MESSAGES
        return t(f"stopped.{code}" if known else "stopped.cancelled")

    @property
    def wait(self) -> int:
        """Seconds until the page's next poll."""
        return ACTIVE_POLL_S if self.progress.is_open else IDLE_POLL_S

    @property
    def mark(self) -> str:
        """A fingerprint of what the page shows, to detect changes."""
        numbers = [n for _, n in self.counts]
        found = [self.status, self.batch.made, *numbers]
        waits = self.waits and (self.batch.waits or {}).get("code")
        found += [self.progress.hold_reason or waits, self.is_open]
        found += [self.progress.cost_micros, self.progress.held_micros]
        return ".".join(map(str, found))

    @property
    def model(self) -> str:
        return options.spoken(str(self.batch.asked.get("model", "")))

    @property
    def size(self) -> str:
        return str(self.batch.asked.get("size") or "").replace("x", "×")

    @property
    def style(self) -> str | None:
        return style_name(self.batch.asked.get("style"))

    @property
    def pixels(self) -> Size | None:
        """Width and height of each picture; None if they are no longer known."""
        model, asked = (
            jobs.runtime().registry.by_lane(self.batch.lane),
            self.batch.asked,
        )
        if model is None:
            return None
        try:
            return resolve_size(
                model, asked.get("size"), asked.get("quality") or "standard"
            )
        except Invalid:  # the model no longer has this size; a retry reports that
            return None

    @property
    def cost(self) -> str:
        """
        Its cost so far and the reserved amount, and whether a picture costs more than
        was shown with the order; empty if all is unknown.
        """
        cost, held = self.progress.cost_micros or 0, self.progress.held_micros or 0
        key = "batch.cost_held" if held else "batch.cost"
        amounts = {"cost": yuan_short(cost), "held": yuan_short(held)}
        said = t(key, **amounts) if cost or held else ""
        price, quoted = self.progress.price_micros, self.batch.quoted_micros
        if price is None or quoted is None or price <= quoted:
            return said
        prices = {"before": yuan_short(quoted), "now": yuan_short(price)}
        return t("batch.price_risen", said=said, **prices)

    def price(self, pictures: int) -> str:
        """The price of so many pictures, formatted; empty if unknown."""
        model, pixels = jobs.runtime().registry.by_lane(self.batch.lane), self.pixels
        price = costs.price_by_size(model) if model else None
        return yuan_short(price.of(*pixels) * pictures) if price and pixels else ""


@dataclass(frozen=True)
class Grid:
    """
    The pictures of a batch by the alternatives in which its prompts differ.

    Attributes:
        rows: The alternatives of the first group; a single empty one if only one group
            varies.
        columns: Those of the second.
        cells: The pictures of each prompt, in the order of the prompts: row by row.
    """

    rows: list[str]
    columns: list[str]
    cells: list[list[Image]]

    @property
    def is_turned(self) -> bool:
        """Whether it is shown with its rows as columns, since they are more."""
        return len(self.rows) > len(self.columns)

    @property
    def heads(self) -> list[str]:
        """The labels of the columns that are shown."""
        return self.rows if self.is_turned else self.columns

    @property
    def lines(self) -> list[tuple[str, range]]:
        """The rows that are shown: the label, and the numbers of the prompts."""
        width, total = len(self.columns), len(self.cells)
        if self.is_turned:
            return [(s, range(n, total, width)) for n, s in enumerate(self.columns)]
        return [(s, range(n * width, (n + 1) * width)) for n, s in enumerate(self.rows)]


@dataclass(frozen=True)
class Shelf:
    """
    Attributes:
        cursor: The cursor of this page; None for the newest pictures.
        grid: All pictures by alternatives; None unless these form a grid.
    """

    batch: Batch
    shown: BatchPictures
    cursor: str | None = None
    grid: Grid | None = None


def views_of(
    principal: Principal, found: Sequence[Batch], *, whole: bool = False
) -> list[BatchView]:
    """
    Args:
        whole: Include the failures; otherwise some of the pictures.
    """
    if whole:
        return [BatchView(each, batches.progress(each)) for each in found]
    stands = batches.progress_of_all(found)
    some = queries.newest_of_all(principal, found, each=STRIP)
    return [BatchView(each, stands[each.id], some[each.id]) for each in found]


def shelf_of(principal: Principal, batch: Batch, cursor: str | None) -> Shelf:
    is_grid = is_shown_as_grid(batch)
    limit = 2 * MAX_GRID if is_grid else PAGE  # with those of retries
    shown = queries.pictures_of(principal, batch, limit=limit, cursor=cursor)
    grid = grid_of(principal, batch, shown.rows) if is_grid else None
    return Shelf(batch, shown, cursor, grid)


def is_shown_as_grid(batch: Batch) -> bool:
    is_small = batch.total * batch.n <= MAX_GRID
    return is_small and labels_of(batch.template, batch.total) is not None


def grid_of(principal: Principal, batch: Batch, images: Sequence[Image]) -> Grid | None:
    """The grid with some of the pictures, newest first."""
    labels = labels_of(batch.template, batch.total) if is_shown_as_grid(batch) else None
    if labels is None:
        return None
    cells: list[list[Image]] = [[] for _ in range(batch.total)]
    numbers = queries.prompt_numbers(principal, batch)
    for image in reversed(images):
        if image.task_id in numbers:  # not deleted in the meantime
            cells[numbers[image.task_id]].append(image)
    return Grid(*labels, cells)
