"""The machine: everything that can happen to tasks, one thing after another."""

import contextlib
from collections.abc import Callable, Mapping

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from pymongo.errors import PyMongoError
from redis.exceptions import RedisError

from jimeng import jobs, tasks
from jimeng.documents import Generation, Lane, Task
from jimeng.errors import JimengError
from jimeng.jobs import bulk, pump
from jimeng.upkeep import janitor
from tests.forgetting import forget_lanes
from tests.machine import draws
from tests.machine.boundary import Befall, Died
from tests.machine.draws import STALL, USERS
from tests.machine.laws import EVERYBODY, hold_at_the_end
from tests.machine.world import INSTANT, LIMITS, World


class Machine(RuleBasedStateMachine):
    """Each step is one process that begins; its script says what befalls it."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.theme = draws.Theme(["none"], ["die"], ["accept"], ["bytes"], ["fine"])
        world.begin()

    # What a process does when it runs beside another.

    def befall(self, what: str, number: int) -> Befall:
        boundaries = self.world.boundaries
        if what == "die":
            return boundaries.die
        if what == "break":
            return boundaries.break_off

        def play(place: str) -> None:
            with boundaries.process(), contextlib.suppress(JimengError):
                self._beside(what, number, place.partition(" ")[2])

        return play

    def _beside(self, what: str, number: int, name: str) -> None:
        if what != "look":
            self.actions[what](number)
        elif name in {"submit", "poll"}:  # time passes, and somebody looks
            self.world.clock.advance(3)
            self.world.laws.look()

    @property
    def actions(self) -> Mapping[str, Callable[[int], None]]:
        """What can be named in a step; the number says which."""
        return {
            "cancel": self._cancel,
            "delete": self._delete,
            "forget_user": lambda number: self._forget_user(USERS[number % len(USERS)]),
            "retry": lambda number: self._retry(number, False, "again"),
            "consent": lambda number: self._retry(number, True, None),
            "create": lambda number: self._create(
                USERS[number % len(USERS)], 1, 0, None, ""
            ),
            "pump": lambda number: pump.tick(),
            "job": self._job,
            "lease": self._lease,
            "stall": lambda number: self._stall(),
            "janitor": lambda number: self._tidy(),
            "sweep": lambda number: self.world.sweep(),
            "flush": lambda number: jobs.huey.storage.flush_queue(),
            "close": lambda number: self.world.offer(),
            "part": lambda number: self.world.offer("main"),
            "open": lambda number: self.world.offer(*LIMITS),
        }

    def _lease(self, number: int) -> None:
        """Only what is being sent comes due, and a few jobs run."""
        self.world.come_due([["submitting"], ["starting"], None, None][number])
        pump.tick()
        self._work(1 + number)

    def _stall(self) -> None:
        self.world.clock.advance(STALL)
        pump.tick()
        self._work(40)

    @contextlib.contextmanager
    def _process(self, drawn: list):
        """A process that may die or lose its connections."""
        forget_lanes()
        script = self.theme.script(drawn)
        played = {at: self.befall(*befalls) for at, befalls in script.items()}
        gone = (Died, PyMongoError, RedisError, JimengError)
        with self.world.boundaries.process(played), contextlib.suppress(*gone):
            yield

    # What a user does.

    def _create(self, user: str, n: int, delay: float, key: str | None, model: str):
        new = tasks.Request(
            user_id=user,
            prompt="$一只猫",
            n=n,
            delay=delay,
            model=INSTANT if model == INSTANT else None,
            seed=self.world.seed() if model == "seeded" else -1,
            received={"n": n},
        )
        tasks.create(EVERYBODY, new, idem_key=key)

    def _task(self, number: int) -> str:
        rows = list(Task.collection().find({}, {"_id": 1}).sort("_id", -1))
        return rows[number % len(rows)]["_id"] if rows else "none"

    def _cancel(self, number: int) -> None:
        task = tasks.cancel(EVERYBODY, self._task(number))
        self.world.note_cancelled(task.id)

    def _delete(self, number: int) -> None:
        task_id = self._task(number)
        self.world.laws.deleted.add(task_id)
        tasks.delete(EVERYBODY, task_id)
        self.world.note_cancelled(task_id)

    def _forget_user(self, user: str) -> None:
        rows = Task.collection().find({"user_id": user}, {"_id": 1})
        gone = [row["_id"] for row in rows]
        self.world.laws.deleted.update(gone)
        tasks.delete_all(EVERYBODY, user)
        for task_id in gone:
            self.world.note_cancelled(task_id)

    def _retry(self, number: int, consent: bool, key: str | None) -> None:
        tasks.retry(
            EVERYBODY, self._task(number), accept_double_charge=consent, idem_key=key
        )

    # What the system does.

    def _job(self, rotate: int) -> None:
        storage = jobs.huey.storage
        if storage.queue_size():
            for _ in range(rotate % storage.queue_size()):
                storage.conn.rpoplpush(storage.queue_key, storage.queue_key)
            jobs.huey.dequeue().execute()

    def _work(self, most: int) -> None:
        for _ in range(most):
            with self.world.boundaries.process():
                self._job(0)

    def _tidy(self) -> None:
        janitor.backfill_all_generations()
        janitor.finish_deletions()
        bulk.run_due()
        janitor.fail_unserved()

    # The steps.

    @initialize(
        theme=draws.themes, asked=st.lists(draws.creations, min_size=1, max_size=2)
    )
    def begin(self, theme, asked) -> None:
        self.theme = theme
        for each in asked:
            with self._process([]):
                self._create(**each)

    def has_tasks(self) -> bool:
        return Task.collection().find_one({}, {"_id": 1}) is not None

    @rule(asked=draws.creations, script=draws.scripts)
    def create(self, asked, script) -> None:
        with self._process(script):
            self._create(**asked)

    @precondition(has_tasks)
    @rule(what=st.sampled_from(draws.CHANGES), number=draws.which, script=draws.scripts)
    def change(self, what, number, script) -> None:
        """A user changes one of the newest tasks, or takes leave."""
        with self._process(script):
            self.actions[what](number)

    a_job = rule(rotate=draws.which, answers=draws.answers, script=draws.scripts)

    @precondition(has_tasks)
    @a_job
    def job(self, rotate, answers, script) -> None:
        self.world.artist.tell(**self.theme.answers(answers))
        if not jobs.huey.storage.queue_size():
            pump.tick()
        with self._process(script):
            self._job(rotate)

    @precondition(has_tasks)
    @a_job
    def due_job(self, rotate, answers, script) -> None:
        """What is under way comes due, and one of its jobs runs."""
        self.world.come_due(["generating", "saving"])
        pump.tick()
        self.world.artist.tell(**self.theme.answers(answers))
        with self._process(script):
            self._job(rotate)

    @precondition(has_tasks)
    @rule(answers=draws.answers)
    def work(self, answers) -> None:
        """All jobs run that there are."""
        self.world.artist.tell(**self.theme.answers(answers))
        with self._process([]):
            pump.tick()
            self._work(12)

    @rule(what=st.sampled_from(draws.UPKEEP), script=draws.scripts)
    def keep_up(self, what, script) -> None:
        """What the system does by itself, and what befalls it."""
        with self._process(script if what in {"pump", "janitor"} else []):
            self.actions[what](0)

    @rule(
        seconds=draws.seconds, states=st.sets(st.sampled_from(draws.LEASES), max_size=2)
    )
    def wait(self, seconds, states) -> None:
        """Time passes, or the leases of some states do."""
        if states:
            self.world.come_due(sorted(states))
        else:
            self.world.clock.advance(seconds)

    @invariant()
    def laws_hold(self) -> None:
        self.world.artist.tell()
        self.world.laws.hold(self.world.boundaries.begun)

    def teardown(self) -> None:
        """Time goes on undisturbed, until there is nothing left to do."""
        self.world.offer(*LIMITS)
        left = {"$or": [{"due_at": {"$exists": True}}, {"state": "queued"}]}
        for _ in range(60):
            self.world.clock.advance(61)
            Lane.collection().update_many({}, {"$unset": {"not_before": ""}})
            self.world.come_due(None)
            with self._process([]):
                self._tidy()
                pump.tick()
            self._work(jobs.huey.storage.queue_size())
            if not Generation.collection().count_documents(left):
                break
        self._tidy()
        self.world.sweep()
        self.laws_hold()
        hold_at_the_end()
