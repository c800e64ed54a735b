"""A task: one request for pictures, its status, and the result of each picture."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from enum import StrEnum

from mongoengine.fields import (
    BooleanField,
    DateTimeField,
    FloatField,
    IntField,
    StringField,
)
from pymongo.errors import DuplicateKeyError, OperationFailure

from jimeng.documents import indexes
from jimeng.documents.base import Stored, named_index, number
from jimeng.documents.clock import utcnow
from jimeng.documents.database_errors import lacks_index
from jimeng.documents.decoding import DictField, ListField
from jimeng.documents.ids import new_task_id
from jimeng.documents.kinds import VIDEO
from jimeng.documents.spending import UNLIMITED, Budgets, Spend
from jimeng.documents.usage import RateLimit


class Status(StrEnum):
    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN = [Status.PENDING.value, Status.PROCESSING.value]
ENDED = [Status.COMPLETED.value, Status.FAILED.value, Status.CANCELLED.value]

NOT_CHARGED = "no"
CHARGED = (NOT_CHARGED, "unknown", "yes")
# Defaults for the parts of a picture's error that this release cannot read.
UNREADABLE = {"code": "not_understood", "charged": "unknown"}
# Like `KNOWN_KIND`, by a field that every task has.
KNOWN_TYPE: dict[str, object] = {"type": {"$in": ["image", "video"]}}
# A task that may be cancelled as a whole. Not a video that was sent: it is charged, and
# so its output is stored; its provider may still cancel it.
CANCELLABLE: dict[str, object] = {
    "status": {"$in": OPEN},
    "$nor": [{"type": VIDEO, "status": Status.PROCESSING.value}],
}
THERE = {"deleted_at": {"$exists": False}}
# Permanently deleted. The index serves a comparison with null, but not $exists: false.
DOOMED = {"deleted_at": {"$exists": True}, "purge_at": None}
_WITH_RESULT, _WITH_COST = (  # the numbers of the pictures in these fields
    {
        "$map": {
            "input": {"$objectToArray": {"$ifNull": [f"${name}", {}]}},
            "in": "$$this.k",
        }
    }
    for name in ("outcomes", "costs")
)
# Of a task that has ended: no more is to be known soon of what it costs.
HAS_FINAL_COST: dict[str, object] = {
    "$or": [
        {"status": {"$ne": Status.CANCELLED.value}},
        {"budget_day": None},
        {
            "$expr": {
                "$gte": [{"$size": {"$setUnion": [_WITH_RESULT, _WITH_COST]}}, "$n"]
            }
        },
    ]
}
MAX_PAIRS = 16  # of metadata
MAX_NAME = 40  # characters
MAX_VALUE = 500  # characters


def stored_pairs(metadata: Mapping[str, str] | None) -> list[dict] | None:
    """
    Encode metadata for storage as a list of pairs; None, which is not stored, if empty.

    A name may be any text, including text that is invalid as a MongoDB field name; one
    index serves all names.
    """
    return [{"k": name, "v": text} for name, text in (metadata or {}).items()] or None


def pairs_of(stored: Iterable[Mapping] | None) -> dict[str, str]:
    """Decode stored metadata, omitting pairs that only a later release can read."""
    return {
        each["k"]: each["v"]
        for each in stored or ()
        if isinstance(each.get("k"), str) and isinstance(each.get("v"), str)
    }


def having(metadata: Mapping[str, str] | None) -> dict:
    """Build a query condition for documents that have all of these pairs."""
    pairs = stored_pairs(metadata)
    return {"metadata": {"$all": pairs}} if pairs else {}


class Task(Stored):
    """
    One request for pictures, from its submission to the end of its last picture.

    Attributes:
        user_id: The owner; any text, a user record of that id need not exist.
        input: The request as received.
        prompt: As sent to the provider.
        inputs: The ids of its input pictures, in order; a mask is the last.
        has_mask: Whether the last input is a mask.
        strength: 0 to 1, if the caller set it.
        expand: Shares by edge, if the caller set them.
        video: The parameters of its videos, see `VideoParameters`; absent for pictures.
        made_from: For each input its id, under ``input``, and, if it is a copy of an
            `Image`, the id of that, under ``picture``.
        unsized: Its width and height are unknown until its inputs are prepared.
        turn: The first ticket in the lane that was reserved for it; absent if tickets
            are reserved later. Its pictures may have moved up since.
        seed: The seed of the first picture; each further one has the next number. None
            if the model has no seeds.
        open: True until the task has ended, then absent: the index of open ones.
        outcomes: Picture number -> ``{"state": "done"}`` or
            ``{"state": "failed", "error": {...}}``.
        first_answer: ``position`` and ``eta_seconds`` at creation, for the response to
            a replayed request.
        join_key: The deduplication key of its request: the caller and the parameters.
            Only for interfaces whose clients retry requests automatically.
        joins: Number of retried requests that joined this task.
        key_id: The API key of the request, if the key has a daily quota of its own.
        answered_at: When its request, or the latest retry, was answered completely.
        batch: The id of its `Batch`, if any.
        batch_index: The index of its prompt in the batch, from 0.
        reason: The code of why it was cancelled, if not by its owner.
        not_before: When a delayed task may start.
        deleted_at: When its owner deleted it. It is hidden from then on, and its files
            and records are removed soon after, or at `purge_at`.
        purge_at: Until then a deleted task can be restored; absent: it cannot.
        webhook: Where the end of this task alone is sent: ``url``, and the ``events``
            to send. And ``signer``, if another user's key acted for the owner: the end
            is also sent to that user's endpoints, and their default endpoint signs.
        announce: Its end is to be sent to webhooks; the deliveries are not created yet.
        announced: Deliveries of an end of it have been created.
        pairs: The caller's metadata, as stored by `stored_pairs`.
        owner_id: Of a customer's task the user who owns the prefix of the customer's
            id; of such an owner's own task that user; absent for all others.
        by_key: The API key of the request, for the sums of costs.
        budget_day: The day in ``BILLING_TIMEZONE`` of its creation.
        hold_micros: What is reserved for each picture until its cost is known, in
            micro-yuan; absent if the model had no price.
        price_id: The price of `hold_micros`.
        costs: Picture number -> its cost in micro-yuan, once known.
    """

    id = StringField(primary_key=True, default=new_task_id)
    user_id = StringField(required=True)
    type = StringField(default="image")  # or "video"
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
    video = DictField(default=None)
    made_from = ListField(DictField(), default=None)
    unsized = BooleanField()
    turn = IntField()
    user_turn = IntField()
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
    by_key = StringField()
    owner_id = StringField()
    budget_day = StringField()
    hold_micros = IntField()
    price_id = StringField()
    costs = DictField(default=None)

    # Not stored: the state of each of the user's limits after the submission.
    rate_limits: tuple[RateLimit, ...] = ()

    meta = {
        "collection": "tasks",
        "indexes": [
            named_index("idem", "user_id", "idem_key", unique=True, having="idem_key"),
            named_index("user_created", "user_id", "-created_at", "-_id"),
            named_index("user_status", "user_id", "status", "-created_at", "-_id"),
            named_index(
                "owner_created", "owner_id", "-created_at", "-_id", having="owner_id"
            ),
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
            # The pairs first: MongoDB then tries which of several pairs is the rarest.
            named_index(
                "metadata", "pairs", "user_id", "-created_at", "-_id", having="metadata"
            ),
        ],
    }

    @property
    def metadata(self) -> dict[str, str]:
        """The caller's metadata."""
        return pairs_of(self.pairs)

    def starts_after(self, seconds: float) -> bool:
        """Whether it is delayed for more than *seconds* from now."""
        latest = utcnow() + timedelta(seconds=seconds)
        return self.not_before is not None and self.not_before > latest

    @property
    def reserves_ticket_later(self) -> bool:
        """Whether its pictures wait for inputs or a start time before being queued."""
        return self.not_before is not None or bool(self.inputs)

    @property
    def result_path(self) -> str:
        """The path of its result in the REST API."""
        kind = VIDEO if self.type == VIDEO else "image"
        return f"/api/v1/ai/{kind}/result/{self.id}"

    @property
    def is_known(self) -> bool:
        """Whether its status is one of this release's."""
        return self.status in OPEN or self.status in ENDED

    @property
    def is_open(self) -> bool:
        return self.status in OPEN or not self.is_known and bool(self.open)

    @property
    def generation_ids(self) -> list[str]:
        """The ids of its generations, derived, so that creating them is idempotent."""
        return [f"{self.id}_{index}" for index in range(self.n)]

    @property
    def failures(self) -> dict[int, dict]:
        """Picture number -> the error of each failed picture."""
        ends = self.ends.items()
        return {i: end["error"] for i, end in ends if end["state"] != "done"}

    @property
    def may_be_charged_twice(self) -> bool:
        """
        Whether a failed picture was, or may have been, charged: running the task again
        then needs consent, in every interface.
        """
        return any(e["charged"] != NOT_CHARGED for e in self.failures.values())

    @property
    def ends(self) -> dict[int, dict]:
        """
        Picture number -> ``state`` and, unless that is ``done``, ``error``.

        A state that only a later release knows counts as unreadable.
        """
        results = {int(i): e for i, e in self.outcomes.items() if i.isdecimal()}
        return {index: _end(results[index]) for index in sorted(results)}

    def cost_of(self, index: int) -> int | None:
        """The cost of a picture in micro-yuan; None while that is unknown."""
        found = (self.costs or {}).get(str(index))
        return found if type(found) is int else None

    def spend(self, budgets: Budgets = UNLIMITED) -> Spend | None:
        """What a new task may cost; None if nothing is reserved for it."""
        if not self.hold_micros or self.budget_day is None:
            return None
        return Spend(self.budget_day, self.hold_micros * self.n, budgets)

    def reserved_for(self, index: int) -> int | None:
        """What is reserved for a picture, in micro-yuan; 0 once its cost is known."""
        return self.hold_micros if self.cost_of(index) is None else 0

    @property
    def cost_micros(self) -> int | None:
        """The cost of all pictures as far as it is known; None if of none."""
        return known_sum(self.cost_of(index) for index in range(self.n))

    @property
    def held_micros(self) -> int | None:
        """What is reserved for all pictures; None if unknown."""
        return known_sum(self.reserved_for(index) for index in range(self.n))

    @property
    def done(self) -> list[int]:
        """The numbers of the pictures that are done."""
        return [index for index, end in self.ends.items() if end["state"] == "done"]

    @classmethod
    def insert(cls, row: dict) -> bool:
        """
        Insert a new task together with its idempotency key, atomically.

        Returns:
            False if the user has another task under that key, or a task with this id
            exists.

        Raises:
            IndexMissing: there is a key, and its unique index does not exist.
        """
        if "idem_key" not in row:
            try:
                cls.collection().insert_one(row)
            except DuplicateKeyError:
                return False  # a derived id: the task exists already
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
        """Update `updated_at` of tasks whose pictures have changed."""
        where = {"_id": {"$in": list(task_ids)}}
        cls.collection().update_many(where, {"$set": {"updated_at": utcnow()}})

    @classmethod
    def start(cls, task_id: str) -> bool:
        """Record that a picture is about to be sent; False if it is not wanted."""
        now = utcnow()
        started = {"$ifNull": ["$started_at", now]}
        update = {"status": "processing", "started_at": started, "updated_at": now}
        where = {"_id": task_id, "status": {"$in": OPEN}, **THERE}
        return cls.find_and_modify(where, [{"$set": update}]) is not None

    @classmethod
    def cancel(cls, where: dict, task_id: str) -> "Task | None":
        """Cancel the task if it matches *where* and `CANCELLABLE`; else return None."""
        now = utcnow()
        return cls.find_and_modify(
            {**where, "_id": task_id, **CANCELLABLE},
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
    def record(
        cls, task_id: str, index: int, result: dict, micros: int | None
    ) -> "Task | None":
        """
        Store the result of one picture and what it costs, in micro-yuan, and derive
        the status from all results.

        The first result is final, with one exception: a picture that is found after a
        failure with an unknown charge replaces that failure. Idempotent.

        Returns:
            The updated task; None if it does not exist, is deleted or cancelled, or
            has the result already.
        """
        key = f"outcomes.{index}"
        # Not only the states in `OPEN`: a result must be stored even if a later
        # release has other names for an open task.
        goes_on = {"status": {"$nin": ENDED}, key: {"$exists": False}}
        wanted: list[dict] = [goes_on]
        if result["state"] == "done":
            not_cancelled = {"$ne": Status.CANCELLED.value}
            wanted.append({"status": not_cancelled, f"{key}.error.charged": "unknown"})
        now, cost = utcnow(), {} if micros is None else {f"costs.{index}": micros}
        entries = {"$objectToArray": "$outcomes"}
        states = _each(entries, "state")
        cancelled = {
            "$setEquals": [_each(entries, "error.code"), ["picture_cancelled"]]
        }
        is_cancelled = {"$and": [{"$eq": ["$type", VIDEO]}, cancelled]}
        not_done = {"$cond": [is_cancelled, "cancelled", "failed"]}
        ended_status = {"$cond": [{"$in": ["done", "$_states"]}, "completed", not_done]}
        all_in = {"$gte": [{"$size": "$_states"}, number("$n", otherwise=1)]}
        return cls.find_and_modify(
            {"_id": task_id, "$or": wanted, **THERE},
            [
                # Without $literal, text that begins with $ would be an expression.
                {"$set": {key: {"$literal": result}, "updated_at": now, **cost}},
                {"$set": {"_states": states}},
                {
                    "$set": {
                        "status": {"$cond": [all_in, ended_status, "$status"]},
                        "completed_at": {"$cond": [all_in, now, "$$REMOVE"]},
                        "open": {"$cond": [all_in, "$$REMOVE", True]},
                        # A picture that is found late is a further end of the task.
                        "announce": {"$cond": ["$announced", True, "$announce"]},
                    }
                },
                {"$unset": "_states"},
            ],
        )


def _each(entries: Mapping, field: str) -> dict:
    return {"$map": {"input": entries, "in": f"$$this.v.{field}"}}


def known_sum(amounts: Iterable[int | None]) -> int | None:
    """The sum of the amounts that are known; None if none is."""
    known = [each for each in amounts if each is not None]
    return sum(known) if known else None


def _end(stored: object) -> dict:
    end = stored if isinstance(stored, dict) else {}
    if end.get("state") == "done":
        return end
    error = end.get("error")
    known = error if isinstance(error, dict) else {}
    error = {**UNREADABLE, **known}
    if error["charged"] not in CHARGED:
        error["charged"] = "unknown"
    if not isinstance(error["code"], str):
        error["code"] = UNREADABLE["code"]
    return {**end, "state": end.get("state"), "error": error}
