"""What tools take: checked here, and described to those who call them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from marshmallow import pre_load

from jimeng.batches import MOST
from jimeng.batches.asking import LONGEST_NAME
from jimeng.batches.expansion import LONGEST
from jimeng.documents import Status
from jimeng.i18n import t
from jimeng.schemas import MOST_IMAGES, MOST_SEED, MOST_STYLE, ImageFields, Strict
from jimeng.schemas.batches import NewBatch
from jimeng.schemas.fields import (
    Between,
    Flag,
    Long,
    Many,
    OneOf,
    Text,
    Texts,
    Whole,
)

LONGEST_WAIT = 25  # seconds; hosts give a tool thirty to sixty
MOST_KEY, MOST_ID, MOST_CURSOR, MOST_WORDS = 255, 100, 500, 200  # characters
MOST_REFERENCE = 1024 * 1024  # characters: as much as a request has
MOST_PICTURES = 4
MOST_LISTED, LISTED = 100, 20


class Arguments(Strict):
    """Nothing; and what is null was left out, since so models write it."""

    @pre_load
    def without_nulls(self, data: dict, **kwargs: object) -> dict:
        return {name: value for name, value in data.items() if value is not None}


class ToGenerate(Arguments, ImageFields):
    wait_seconds = Whole(load_default=LONGEST_WAIT, validate=Between(0, LONGEST_WAIT))
    idempotency_key = Text(validate=Long(1, MOST_KEY))


class ToEdit(ToGenerate):
    images = Texts(
        Text(validate=Long(1, MOST_REFERENCE)),
        required=True,
        validate=Many(1, MOST_IMAGES),
    )


class ToCancel(Arguments):
    task_id = Text(required=True, validate=Long(1, MOST_ID))


class ToGet(ToCancel):
    wait_seconds = Whole(load_default=0, validate=Between(0, LONGEST_WAIT))


class ToListCollections(Arguments):
    limit = Whole(load_default=LISTED, validate=Between(1, MOST_LISTED))
    cursor = Text(validate=Long(1, MOST_CURSOR))


class ToList(ToListCollections):
    status = Text(validate=OneOf(*Status))
    q = Text(validate=Long(1, MOST_WORDS))


class ToCreateBatch(Arguments, NewBatch):
    images = Texts(
        Text(validate=Long(1, MOST_REFERENCE)), validate=Many(1, MOST_IMAGES)
    )
    dry_run = Flag(load_default=False)
    idempotency_key = Text(validate=Long(1, MOST_KEY))


class ToGetBatch(Arguments):
    batch_id = Text(required=True, validate=Long(1, MOST_ID))


class ToAdd(Arguments):
    collection = Text(required=True, validate=Long(1, MOST_ID))
    images = Texts(
        Text(validate=Long(1, MOST_WORDS)),
        required=True,
        validate=Many(1, MOST_LISTED),
    )


def text(most: int) -> dict:
    return {"type": "string", "minLength": 1, "maxLength": most}


def whole(low: int, high: int, usual: int) -> dict:
    return {"type": "integer", "minimum": low, "maximum": high, "default": usual}


def choice(*names: str) -> dict:
    return {"type": "string", "enum": [*names]}


@dataclass(frozen=True)
class Takes:
    """
    What a tool takes.

    Attributes:
        check: Checks that.
        shapes: Describes it.
        needs: What of it must be given.
    """

    check: type[Arguments] = Arguments
    shapes: Mapping[str, dict] = field(default_factory=dict)
    needs: tuple[str, ...] = ()

    def checked(self, given: dict) -> dict:
        """
        Raises:
            ValidationError: it is not what is described.
        """
        return self.check(only=[*self.shapes]).load(given)

    def described(self) -> dict:
        """As its ``inputSchema``, with words for each in the request's language."""
        found: dict[str, object] = {
            "type": "object",
            "properties": {
                name: {**shape, "description": t(f"mcp.argument.{name}")}
                for name, shape in self.shapes.items()
            },
            "additionalProperties": False,
        }
        return {**found, "required": [*self.needs]} if self.needs else found


NOTHING = Takes()
DRAWING = {
    "prompt": {"type": "string", "minLength": 1},
    "model": text(100),
    "size": text(20),
    "quality": choice("standard", "hd"),
    "style": text(MOST_STYLE),
    "n": whole(1, MOST_PICTURES, 1),
    "seed": whole(-1, MOST_SEED, -1),
    "wait_seconds": whole(0, LONGEST_WAIT, LONGEST_WAIT),
    "idempotency_key": text(MOST_KEY),
}
GENERATE = Takes(ToGenerate, DRAWING, ("prompt",))
SHARE = {"type": "number", "minimum": 0, "maximum": 1}
IMAGES = {
    **{"type": "array", "minItems": 1, "maxItems": MOST_IMAGES},
    "items": text(MOST_REFERENCE),
}
EDITING = {
    "images": IMAGES,
    **DRAWING,
    "mask": text(MOST_REFERENCE),
    "strength": SHARE,
    "expand": {
        "type": "object",
        "properties": {edge: SHARE for edge in ("top", "right", "bottom", "left")},
        "additionalProperties": False,
    },
}
EDIT = Takes(ToEdit, EDITING, ("images",))
TASK = {"task_id": text(MOST_ID)}
CANCEL = Takes(ToCancel, TASK, ("task_id",))
GET = Takes(ToGet, {**TASK, "wait_seconds": whole(0, LONGEST_WAIT, 0)}, ("task_id",))
SOME = {"limit": whole(1, MOST_LISTED, LISTED), "cursor": text(MOST_CURSOR)}
OF_TASKS = {
    **SOME,
    "status": choice(*Status),
    "q": text(MOST_WORDS),
}
LIST = Takes(ToList, OF_TASKS)
ONCE = ("prompt", "wait_seconds")  # of one picture
OF_BATCH = {
    "template": text(LONGEST),
    "prompts": {
        **{"type": "array", "minItems": 1, "maxItems": MOST},
        "items": {"type": "string", "minLength": 1},
    },
    "name": text(LONGEST_NAME),
    **{name: shape for name, shape in DRAWING.items() if name not in ONCE},
    "images": IMAGES,
    "strength": SHARE,
    "dry_run": {"type": "boolean", "default": False},
}
BATCH = Takes(ToCreateBatch, OF_BATCH)
GET_BATCH = Takes(ToGetBatch, {"batch_id": text(MOST_ID)}, ("batch_id",))
LIST_COLLECTIONS = Takes(ToListCollections, SOME)
ADDING = {
    "collection": text(MOST_ID),
    "images": {
        **{"type": "array", "minItems": 1, "maxItems": MOST_LISTED},
        "items": text(MOST_WORDS),
    },
}
ADD = Takes(ToAdd, ADDING, ("collection", "images"))
