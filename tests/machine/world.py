"""The world of the machine: the databases, the clock, the provider, the laws."""

import itertools
from dataclasses import replace
from datetime import timedelta

import mongoengine

from jimeng import jobs
from jimeng.documents import Generation
from jimeng.jobs import picture
from jimeng.providers import MODELS, Registry
from jimeng.providers.models import DEFAULT_MODEL, Model
from jimeng.upkeep import janitor
from tests.forgetting import forget, forget_lanes
from tests.machine.artist import Artist, Desk
from tests.machine.boundary import Boundaries, Clock, wrap_writes
from tests.machine.laws import Laws

PROVIDER = "volcengine_jimeng"
INSTANT = "instant"  # a model whose answer is the picture
STUDIO = "studio"  # another account
LIMITS = {"main": 2, STUDIO: 1}


def models() -> tuple[Model, Model]:
    """The default one, and one that answers with the picture."""
    model = next(each for each in MODELS if each.id == DEFAULT_MODEL)
    instant = replace(
        model,
        id=INSTANT,
        aliases=(),
        req_key=INSTANT,
        is_synchronous=True,
        answer_within=60.0,
    )
    return model, instant


class World:
    """One for all examples; `begin` empties it."""

    def __init__(self, config, monkeypatch) -> None:
        self._config = config
        self._monkeypatch = monkeypatch
        self.boundaries = Boundaries()
        self.clock = Clock(monkeypatch)
        wrap_writes(self.boundaries, monkeypatch)
        monkeypatch.setattr(
            picture, "fetch_picture", lambda *a, **k: self.artist.fetch(a)
        )
        self._seeds = itertools.count(1000, 10)
        self.begin()

    def begin(self) -> None:
        """Empty collections, an empty queue, and nothing remembered."""
        self.artist = Artist(self.boundaries, INSTANT)
        main, studio = (Desk(self.artist, *each) for each in LIMITS.items())
        self.registry = Registry(
            {PROVIDER: main},
            {PROVIDER: main.concurrency},
            models(),
            others={STUDIO: {PROVIDER: studio}},
        )
        self._models, self._providers = self.registry.models, self.registry._providers
        self.offer(*LIMITS)
        jobs.configure(self._config, self.registry)
        jobs.huey.storage.flush_queue()
        database = mongoengine.get_db()
        for name in database.list_collection_names():
            database[name].delete_many({})
        forget_lanes()
        forget()
        self.laws = Laws(self.artist, LIMITS)

    def offer(self, *accounts: str) -> None:
        """Which accounts' keys this installation has."""
        self.registry.offer(self._models.values() if accounts else ())
        self.registry._providers = {each: self._providers[each] for each in accounts}

    def seed(self) -> int:
        return next(self._seeds)

    def note_cancelled(self, task_id: str) -> None:
        """From now on no process that begins may send it."""
        self.artist.cancelled.setdefault(task_id, self.boundaries.begun)

    def come_due(self, states: list[str] | None) -> None:
        """Let the time of all generations in *states* have come; None: in any."""
        where = {} if states is None else {"state": {"$in": states}}
        Generation.collection().update_many(
            {"due_at": {"$exists": True}, **where},
            {"$set": {"due_at": self.clock.now() - timedelta(seconds=1)}},
        )

    def sweep(self) -> None:
        """Sweep as if all files were old; nobody may be saving one."""
        self._monkeypatch.setattr(
            janitor, "UNREFERENCED_AFTER", timedelta(days=-10_000)
        )
        janitor.sweep_files()
        self._monkeypatch.setattr(janitor, "UNREFERENCED_AFTER", timedelta(days=1))
