"""A task: what a user asked for, and what became of it."""

from collections.abc import Iterable, Mapping
from datetime import timedelta

from mongoengine.fields import (
    BooleanField,
    DateTimeField,
    FloatField,
    IntField,
    StringField,
)
from pymongo.errors import DuplicateKeyError, OperationFailure

from jimeng.documents import indexes
from jimeng.documents.base import Stored, named_index, number, utcnow
from jimeng.documents.database_errors import lacks_index
from jimeng.documents.decoding import DictField, ListField
from jimeng.documents.ids import new_task_id
from jimeng.documents.status import ENDED, OPEN, Status
from jimeng.documents.usage import RateLimit

NOT_CHARGED = "no"
CHARGED = (NOT_CHARGED, "unknown", "yes")
# What is said of a failure as long as nothing better is known.
UNREADABLE = {"code": "not_understood", "charged": "unknown"}
# As `KNOWN_KIND`; a task has always said what it makes.
KNOWN_TYPE = {"type": "image"}
THERE = {"deleted_at": {"$exists": False}}
# Deleted for good; with null instead of $exists the index finds them.
DOOMED = {"deleted_at": {"$exists": True}, "purge_at": None}
MAX_PAIRS = 16  # of metadata
MAX_NAME = 40  # characters
MAX_VALUE = 500  # characters


def stored_pairs(metadata: Mapping[str, str] | None) -> list[dict] | None:
    """
    Metadata as it is stored; None, which is not, where there is none.

    A name may be any text, also one that MongoDB takes for no field's, and one index
    serves all names.
    """
    return [{"k": name, "v": text} for name, text in (metadata or {}).items()] or None


def pairs_of(stored: Iterable[Mapping] | None) -> dict[str, str]:
    """The same as programs have it; what only a later release can read is left out."""
    return {
        each["k"]: each["v"]
        for each in stored or ()
        if isinstance(each.get("k"), str) and isinstance(each.get("v"), str)
    }


def having(metadata: Mapping[str, str] | None) -> dict:
    """The part of a query that keeps to documents which have all of these pairs."""
    pairs = stored_pairs(metadata)
    return {"metadata": {"$all": pairs}} if pairs else {}


class Task(Stored):
    """
    One request for pictures, from the asking to the last of them.

    Attributes:
        user_id: Whose it is; any text, a user record of that id need not exist.
        input: The request as it came.
        prompt: As sent to the provider.
        inputs: The ids of the pictures that go in, in order; a mask is the last.
        has_mask: Whether it is.
        strength: 0 to 1, where the caller said so.
        expand: Shares by edge, where the caller said so.
        made_from: Of each input its id, under ``input``, and that of the `Image` that
            it is a copy of, under ``picture``, where it is one.
        unsized: Its width and height are not known before its inputs are.
        turn: The first of its turns in the lane, as they were given; absent where it
            takes them later. Its pictures may have moved up since.
        seed: Of the first picture; each further one has the next number. None
            where the model takes no seeds.
        open: True until the task has ended, then absent: the index of open ones.
        outcomes: Picture number -> ``{"state": "done"}`` or
            ``{"state": "failed", "error": {...}}``.
        first_answer: ``position`` and ``eta_seconds`` at creation, which a
            replayed request is answered with.
        join_key: What a re-post of its request is known by: the caller and what
            was asked for; only of doors whose clients re-post by themselves.
        joins: Re-posts that were given this task.
        key_id: The API key that asked, where that has a day of its own.
        answered_at: When its request, or the latest re-post, was answered whole.
        batch: The id of the `Batch` that it belongs to, if it does.
        batch_index: Which of the batch's prompts it draws, from 0.
        reason: The code of why it was cancelled, where its owner did not ask for it.
        not_before: When a delayed task may start.
        deleted_at: Set when its owner deleted it; nobody sees it from then on,
            and the rest of it goes soon after, or at `purge_at`.
        purge_at: Until when a deleted task can be brought back; absent: it cannot.
        webhook: Where the end of this task alone is sent: ``url``, whose default
            endpoint signs it (``signer``, if it is not the user's), and which
            ``events`` of it.
        announce: Its end is to be sent by webhooks, and no delivery is made yet.
        announced: An end of it has been.
        pairs: Its metadata: text of its program's, as `stored_pairs` has it.
    """

    id = StringField(primary_key=True, default=new_task_id)
    user_id = StringField(required=True)
    type = StringField(default="image")
    input = DictField()
    prompt = StringField(required=True)
    model = StringField(required=True)
    provider = StringField(required=True)
    lane = StringField(required=True)
    req_key = StringField(required=True)
    width = IntField(required=True, min_value=1)  # pixels
    height = IntField(required=True, min_value=1)  # pixels
    n = IntField(required=True, min_value=1, max_value=100)
    inputs = ListField(StringField(), default=None)
    has_mask = BooleanField()
    strength = FloatField()
    expand = DictField(default=None)
    made_from = ListField(DictField(), default=None)
    unsized = BooleanField()
    turn = IntField()
    seed = IntField()  # of the first picture
    seed_given = BooleanField(default=False)
    status = StringField(default=Status.PENDING.value)
    open = BooleanField()
    outcomes = DictField()
    idem_key = StringField()
    idem_hash = StringField()
    first_answer = DictField()
    join_key = StringField()
    joins = IntField()
    key_id = StringField()
    answered_at = DateTimeField()
    retried_from = StringField()
    batch = StringField()
    batch_index = IntField()
    reason = StringField()
    delay = FloatField()  # seconds
    not_before = DateTimeField()
    created_at = DateTimeField(default=utcnow)
    updated_at = DateTimeField(default=utcnow)
    started_at = DateTimeField()
    submitted_at = DateTimeField()
    completed_at = DateTimeField()
    deleted_at = DateTimeField()
    purge_at = DateTimeField()
    webhook = DictField(default=None)
    announce = BooleanField()
    announced = BooleanField()
    pairs = ListField(DictField(), default=None, db_field="metadata")

    # Not stored: how the user stands with each limit after asking for it.
    rate_limits: tuple[RateLimit, ...] = ()

    meta = {
        "collection": "tasks",
        "indexes": [
            named_index("idem", "user_id", "idem_key", unique=True, having="idem_key"),
            named_index("user_created", "user_id", "-created_at", "-_id"),
            named_index("user_status", "user_id", "status", "-created_at", "-_id"),
            named_index("join", "join_key", "created_at", having="join_key"),
            named_index("open", "open", "created_at", having="open"),
            named_index("retried", "retried_from", having="retried_from"),
            named_index("batch", "batch", "_id", having="batch"),
            named_index("user_alone", "user_id", "batch", "-created_at", "-_id"),
            named_index("inputs", "inputs", having="inputs"),
            named_index("made_from", "made_from.picture", having="made_from"),
            named_index("trash", "user_id", "-deleted_at", having="purge_at"),
            named_index("purge", "purge_at", "deleted_at", having="deleted_at"),
            named_index("announce", "open", "completed_at", having="announce"),
            # The pairs first: of several MongoDB then tries which is the rarest.
            named_index(
                "metadata", "pairs", "user_id", "-created_at", "-_id", having="metadata"
            ),
        ],
    }

    @property
    def metadata(self) -> dict[str, str]:
        """What its program attached to it."""
        return pairs_of(self.pairs)

    def starts_after(self, seconds: float) -> bool:
        """Whether it is delayed for longer than so many seconds from now."""
        latest = utcnow() + timedelta(seconds=seconds)
        return self.not_before is not None and self.not_before > latest

    @property
    def reserves_ticket_later(self) -> bool:
        """Whether its pictures have something to wait for before they are in line."""
        return self.not_before is not None or bool(self.inputs)

    @property
    def is_known(self) -> bool:
        """Whether its status is one of this release's."""
        return self.status in OPEN or self.status in ENDED

    @property
    def is_open(self) -> bool:
        return self.status in OPEN or not self.is_known and bool(self.open)

    @property
    def generation_ids(self) -> list[str]:
        """Fixed, so that writing the generations twice writes them once."""
        return [f"{self.id}_{index}" for index in range(self.n)]

    @property
    def failures(self) -> dict[int, dict]:
        """Picture number -> the error of each picture that did not come."""
        ends = self.ends.items()
        return {i: end["error"] for i, end in ends if end["state"] != "done"}

    @property
    def may_be_charged_twice(self) -> bool:
        """
        Whether a picture that did not come was, or may have been, charged: running the
        task again then needs consent, by every interface.
        """
        return any(e["charged"] != NOT_CHARGED for e in self.failures.values())

    @property
    def ends(self) -> dict[int, dict]:
        """
        Picture number -> ``state`` and, but for those that are done, ``error``.

        An end that only a later release knows is one that cannot be read here.
        """
        kept = {int(i): e for i, e in self.outcomes.items() if i.isdecimal()}
        return {index: _end(kept[index]) for index in sorted(kept)}

    @property
    def done(self) -> list[int]:
        """The numbers of the pictures that have come."""
        return [index for index, end in self.ends.items() if end["state"] == "done"]

    @classmethod
    def insert(cls, row: dict) -> bool:
        """
        Write a new task, with its idempotency key in the same step.

        Returns:
            False if the user has another task under that key, or there is one of
            its id.

        Raises:
            IndexMissing: there is a key, and nothing that would keep it to one task.
        """
        if "idem_key" not in row:
            try:
                cls.collection().insert_one(row)
            except DuplicateKeyError:
                return False  # its id is one that was derived, and is taken
            return True
        key = {name: row[name] for name in ("user_id", "idem_key")}
        new = {"$setOnInsert": {k: v for k, v in row.items() if k not in key}}
        try:
            # An insert would not notice that the index is gone; the hint does.
            done = cls.collection().update_one(key, new, upsert=True, hint="idem")
        except DuplicateKeyError:
            return False  # another request was faster
        except OperationFailure as error:
            if lacks_index(error):
                raise indexes.found_missing(indexes.IDEMPOTENCY) from error
            raise
        return done.upserted_id is not None

    @classmethod
    def touch(cls, task_ids: Iterable[str]) -> None:
        """Let tasks be read anew, after what their pictures say has changed."""
        where = {"_id": {"$in": list(task_ids)}}
        cls.collection().update_many(where, {"$set": {"updated_at": utcnow()}})

    @classmethod
    def start(cls, task_id: str) -> bool:
        """Note that a picture is about to be sent; False if it is not wanted."""
        now = utcnow()
        started = {"$ifNull": ["$started_at", now]}
        update = {"status": "processing", "started_at": started, "updated_at": now}
        where = {"_id": task_id, "status": {"$in": OPEN}, **THERE}
        return cls.find_and_modify(where, [{"$set": update}]) is not None

    @classmethod
    def cancel(cls, where: dict, task_id: str) -> "Task | None":
        """Cancel the task if *where* holds and it has not ended; else None."""
        now = utcnow()
        return cls.find_and_modify(
            {**where, "_id": task_id, "status": {"$in": OPEN}},
            {
                "$set": {
                    "status": Status.CANCELLED.value,
                    "completed_at": now,
                    "updated_at": now,
                },
                "$unset": {"open": ""},
            },
        )

    @classmethod
    def record(cls, task_id: str, index: int, outcome: dict) -> "Task | None":
        """
        Write what became of one picture; the status follows from all of them.

        The first outcome stands, with one exception: a picture that turns up
        after a failure of which nobody knew whether it was charged takes that
        failure's place. Repeating a call is harmless.

        Returns:
            The task afterwards; None if it is gone, deleted, cancelled, or has
            the outcome already.
        """
        key = f"outcomes.{index}"
        # Not those of `OPEN` alone: what has been drawn counts whatever a later
        # release calls a task that goes on.
        goes_on = {"status": {"$nin": ENDED}, key: {"$exists": False}}
        wanted: list[dict] = [goes_on]
        if outcome["state"] == "done":
            kept = {"$ne": Status.CANCELLED.value}
            wanted.append({"status": kept, f"{key}.error.charged": "unknown"})
        now = utcnow()
        entries = {"$objectToArray": "$outcomes"}
        states = {"$map": {"input": entries, "in": "$$this.v.state"}}
        ended_status = {"$cond": [{"$in": ["done", "$_states"]}, "completed", "failed"]}
        all_in = {"$gte": [{"$size": "$_states"}, number("$n", otherwise=1)]}
        return cls.find_and_modify(
            {"_id": task_id, "$or": wanted, **THERE},
            [
                # Without $literal a text that begins with $ is an expression.
                {"$set": {key: {"$literal": outcome}, "updated_at": now}},
                {"$set": {"_states": states}},
                {
                    "$set": {
                        "status": {"$cond": [all_in, ended_status, "$status"]},
                        "completed_at": {"$cond": [all_in, now, "$$REMOVE"]},
                        "open": {"$cond": [all_in, "$$REMOVE", True]},
                        # A picture that comes late is an end of its own.
                        "announce": {"$cond": ["$announced", True, "$announce"]},
                    }
                },
                {"$unset": "_states"},
            ],
        )


def _end(outcome: object) -> dict:
    end = outcome if isinstance(outcome, dict) else {}
    if end.get("state") == "done":
        return end
    error = end.get("error")
    given = error if isinstance(error, dict) else {}
    error = {**UNREADABLE, **given}
    if error["charged"] not in CHARGED:
        error["charged"] = "unknown"
    if not isinstance(error["code"], str):
        error["code"] = UNREADABLE["code"]
    return {**end, "state": end.get("state"), "error": error}
