"""A generation: one picture of a task, from the queue to its end."""

import math
from datetime import datetime
from enum import StrEnum

from mongoengine.fields import (
    BooleanField,
    DateTimeField,
    DynamicField,
    FloatField,
    IntField,
    StringField,
)

from jimeng.config.accounts import MAIN
from jimeng.documents.base import named_index
from jimeng.documents.clock import utcnow
from jimeng.documents.decoding import DictField, ListField
from jimeng.documents.kinds import KNOWN_KIND, VIDEO
from jimeng.documents.leased import Leased


class State(StrEnum):
    """
    ``preparing → delayed → queued → starting → submitting → generating → saving`` and
    then ``done``, ``failed``, ``unknown`` (it may or may not have been accepted) or
    ``dropped`` (never sent, as it was cancelled or deleted). A generation with inputs
    begins as ``preparing``, a scheduled one as ``delayed``.

    Videos are ``fetching`` instead of ``saving``, and may be ``seeking`` after
    ``submitting``: the answer was lost, and the provider's list is searched for it.
    """

    PREPARING = "preparing"
    DELAYED = "delayed"
    QUEUED = "queued"
    STARTING = "starting"
    SUBMITTING = "submitting"
    GENERATING = "generating"
    SAVING = "saving"
    SEEKING = "seeking"
    FETCHING = "fetching"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"
    DROPPED = "dropped"


GENERATING_PERCENT, SAVING_PERCENT = 90, 95
WAITING = [State.PREPARING.value, State.DELAYED.value, State.QUEUED.value]
SENDABLE = [*WAITING, State.STARTING.value]  # states in which nothing has been sent
# States in which the pump finds them when they come due: not ``fetching``, which has
# threads of its own. A later release may have others, which it processes itself.
DUE = [
    *(State.PREPARING.value, State.DELAYED.value, State.STARTING.value),
    *(State.SUBMITTING.value, State.SEEKING.value, State.GENERATING.value),
    *(State.SAVING.value, State.FAILED.value, State.UNKNOWN.value),
]
DUE_HERE: dict[str, object] = {"state": {"$in": DUE}, **KNOWN_KIND}
# States in which a video may still be cancelled at its provider.
STOPPABLE = [
    *(State.STARTING.value, State.SUBMITTING.value),
    *(State.SEEKING.value, State.GENERATING.value),
]
CANNOT_STOP = "cannot_stop"  # `Generation.trouble`: it goes on, although cancelled
# Fields without which a generation cannot be processed; the others are hints.
NEEDED = frozenset(
    ("task_id", "index", "user_id", "lane", "provider", "req_key", "account")
    + ("prompt", "width", "height", "seed")
    + ("remote_ids", "urls", "submit_token", "created_at")
)

QUEUED_OF_OWNER = {"state": State.QUEUED.value, "user_turn": {"$exists": True}}
SPENT = ("budget_day", "held_micros", "cost_micros")
# Pictures that have ended, and may or may not have been charged.
UNDECIDED = {"charged": "unknown", "ended_at": {"$exists": True}}
# Failed pictures are few of many, and operators filter them by day, code and user.
FAILED = {"error.code": {"$exists": True}}
FAILED_INDEXES = [
    {"name": name, "fields": fields, "partialFilterExpression": FAILED}
    for name, fields in {
        "failed": ["-ended_at", "-_id", "error.code"],
        "failed_code": ["error.code", "-ended_at", "-_id"],
        "failed_user": ["user_id", "-ended_at", "-_id"],
    }.items()
]


class Generation(Leased):
    """
    One picture of a task.

    Attributes:
        kind: ``video``, or absent.
        video: The parameters of a video, see `VideoParameters`; absent for a picture.
        tag: Identifies a video in the provider's list of tasks.
        list_page: The page of the provider's list to read next, while it is sought;
            absent for the first.
        usage_tokens: Tokens that the provider billed for a video, if it bills by these.
        echoed: The parameters of a generated video that the provider reports, where
            they differ from the requested ones.
        last_frame_url: Link to the last frame of a finished video.
        links_until: When the links of a finished video expire.
        link_requests: How often the current link was requested.
        turn: Its ticket in the lane; the lowest is sent first. With `owner_id` it is
            the owner's: `lanes.promote` exchanges it among the owner's pictures.
        user_turn: With `owner_id`: its ticket among the owner's pictures, which is fair
            among the customers.
        key_id: The API key whose daily quota it counts in.
        owner_id: As of its task.
        by_key: The API key of the request, for the sums of costs.
        waiting: True while it counts as one of its user's waiting pictures.
        account: The provider account that its latest claim assigned, and that is
            polled; absent before.
        slot: The slot that it has acquired; absent if none. A number, preceded by the
            account's name unless that is the main one.
        due_at: Absent while it is queued, and once its processing has ended.
        submit_token: The token of the claim that sent it. It guards the update that
            stores the remote id: a submitter that stalled beyond its lease has the
            only copy of the id of a paid picture.
        remote_ids: All task ids of the provider that it ever had; the last is current.
        inputs: The ids of its inputs, in order; a mask is the last.
        has_mask: Whether the last input is a mask.
        strength: 0 to 1, if the caller set it.
        expand: Shares by edge, if the caller set them.
        seed_given: The caller set the seed, so it is not retried with another.
        resent: It was retried with a new seed after the provider rejected the output.
        broken_checks: How often it was sent again since the provider's content check
            had broken.
        is_synchronous: The provider answers the submission with the picture.
        expected: Expected duration in seconds, as of its submission.
        rubbish: Number of downloads of an invalid file.
        trouble: Why saving is retried, or that cancelling came too late, as shown to
            the user.
        floor: Percent of progress that it had reached before a resubmission.
        late: Its task has ended without it; late polls go on.
        unwanted: Its owner has cancelled this one: it is never sent, and a video that
            was sent is cancelled at its provider, if that is possible.
        charged: Whether the provider charges for it: ``no`` while it waits, ``unknown``
            once it may have been accepted, ``yes`` once it is generated.
        charged_at: When that last changed at an end, or by an operator's decision.
        unsettled: It has ended, or `charged` has changed since, and the ledger does not
            know; absent otherwise. See `billing.costs`.
        budget_day: The day in ``BILLING_TIMEZONE`` of its creation; absent in records
            of earlier releases, which have no cost.
        held_micros: What is reserved for it in micro-yuan, until its cost is known;
            absent if the model had no price.
        price_id: The price of `price_micros`; before it is sent, the one that
            `held_micros` is based on.
        price_micros: What its account pays for it, if it is charged; set when it is
            sent, absent if there is no price.
        price_terms: The ``unit`` and ``steps`` of that price, if it is billed by usage:
            `price_micros` is an estimate until the usage is known.
        cost_micros: Its cost, once settled; absent if that is unknown.
        bill_day: The day in ``BILLING_TIMEZONE`` on which that was decided.
        decided: An operator's decision whether it was charged: ``by`` and ``at``.
        error: Why it failed, as in its task; absent once an operator has resolved it.
        dealt_with: The resolution: ``how``, ``by`` whom, ``at`` what time, and the
            resolved ``error``.
    """

    id = StringField(primary_key=True)
    task_id = StringField(required=True)
    index = IntField(required=True)
    user_id = StringField(required=True)
    lane = StringField(required=True)
    provider = StringField(required=True)
    req_key = StringField(required=True)
    kind = StringField()
    video = DictField(default=None)
    tag = StringField()
    list_page = IntField()
    usage_tokens = IntField()
    echoed = DictField(default=None)
    last_frame_url = StringField()
    links_until = DateTimeField()
    link_requests = IntField(default=0)
    prompt = StringField()
    width = IntField(min_value=1)  # pixels
    height = IntField(min_value=1)  # pixels
    seed = IntField()
    inputs = ListField(StringField(), default=None)
    has_mask = BooleanField()
    strength = FloatField()
    expand = DictField(default=None)
    seed_given = BooleanField(default=False)

    state = StringField(default=State.QUEUED.value)
    turn = IntField(default=0)
    user_turn = IntField()
    waiting = BooleanField()
    key_id = StringField()
    account = StringField()
    slot = DynamicField()
    submit_token = StringField()
    remote_ids = ListField(StringField())
    urls = ListField(StringField())
    attempts = IntField(default=0)
    resent = BooleanField(default=False)
    broken_checks = IntField(default=0)
    polls = IntField(default=0)
    planned_at = DateTimeField()  # the next poll, as planned
    looked_at = DateTimeField()  # the latest poll, which found nothing yet
    faults = IntField(default=0)  # failed polls or downloads in a row
    rubbish = IntField(default=0)
    trouble = StringField()
    late = BooleanField(default=False)
    unwanted = BooleanField()
    late_looks = IntField(default=0)
    expected = FloatField()
    floor = IntField(default=0)
    is_synchronous = BooleanField(default=False)
    charged = StringField(default="no")
    charged_at = DateTimeField()
    unsettled = BooleanField()
    by_key = StringField()
    owner_id = StringField()
    budget_day = StringField()
    held_micros = IntField()
    price_id = StringField()
    price_micros = IntField()
    price_terms = DictField(default=None)
    cost_micros = IntField()
    bill_day = StringField()
    decided = DictField(default=None)
    error = DictField()
    dealt_with = DictField()
    created_at = DateTimeField(default=utcnow)
    first_sent_at = DateTimeField()
    sent_at = DateTimeField()
    accepted_at = DateTimeField()
    drawn_at = DateTimeField()
    ended_at = DateTimeField()

    meta = {
        "collection": "generations",
        "indexes": [
            named_index(
                "waiting",
                "lane",
                "turn",
                "_id",
                partialFilterExpression={"state": State.QUEUED.value},
            ),
            named_index("user_waiting", "lane", "user_id", "turn", having="waiting"),
            # Of an owner's customers: who is next among them, and the lowest ticket.
            named_index(
                "owner_waiting",
                *("lane", "owner_id", "user_turn", "turn", "_id"),
                partialFilterExpression=QUEUED_OF_OWNER,
            ),
            named_index(
                "owner_tickets",
                *("lane", "owner_id", "turn", "_id"),
                partialFilterExpression=QUEUED_OF_OWNER,
            ),
            named_index("due", "due_at", having="due_at"),
            # Videos that are processed: which to fetch next, and how many there are.
            named_index(
                "videos",
                "state",
                "links_until",
                partialFilterExpression={"kind": VIDEO, "due_at": {"$exists": True}},
            ),
            named_index("slot", "lane", "slot", unique=True, having="slot"),
            named_index("task", "task_id"),
            # A covering index: the counts of a day read no documents.
            named_index(
                "ended_how",
                "ended_at",
                "state",
                "user_id",
                "lane",
                "charged",
                having="ended_at",
            ),
            named_index("unsettled", "ended_at", having="unsettled"),
            # Covering indexes: what is spent of a budget is counted without documents.
            named_index("budget", "user_id", *SPENT, having="budget_day"),
            named_index("key_budget", "by_key", *SPENT, having="by_key"),
            named_index("owner_budget", "owner_id", *SPENT, having="owner_id"),
            named_index("held", "budget_day", "held_micros", having="held_micros"),
            named_index(
                "undecided", "-ended_at", "-_id", partialFilterExpression=UNDECIDED
            ),
            *FAILED_INDEXES,
        ],
    }

    @property
    def remote_id(self) -> str | None:
        return self.remote_ids[-1] if self.remote_ids else None

    @property
    def is_video(self) -> bool:
        return self.kind == VIDEO

    @property
    def of_account(self) -> str:
        """The provider account that it is assigned to."""
        return self.account or MAIN

    @property
    def is_readable(self) -> bool:
        """Whether this release can read all fields that it needs."""
        has_size = self.width is not None and self.height is not None
        return has_size and NEEDED.isdisjoint(self.unread)

    @property
    def is_generating_now(self) -> bool:
        """Whether the provider is generating it, according to the record."""
        answers_late = self.is_synchronous and self.state == State.SUBMITTING.value
        return self.state == State.GENERATING.value or answers_late

    @property
    def began_at(self) -> datetime | None:
        """The time of the provider's acceptance, or else of the submission."""
        return self.accepted_at or self.sent_at

    @property
    def progress(self) -> int:
        """
        Progress in percent, estimated from the expected duration: approaches 90, is 95
        while the picture is saved, and never decreases, not even if it is sent again.
        """
        if self.state in (State.SAVING.value, State.FETCHING.value):
            return SAVING_PERCENT
        reached = 0
        if self.is_generating_now and self.began_at:
            elapsed = (utcnow() - self.began_at).total_seconds()
            share = 1 - math.exp(-1.5 * max(elapsed, 0) / (self.expected or 1))
            reached = int(GENERATING_PERCENT * share)
        return max(self.floor, reached)

    @property
    def still(self) -> dict[str, object]:
        return {"state": self.state}
