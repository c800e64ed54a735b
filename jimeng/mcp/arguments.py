"""What tools take: checked here, and described to those who call them."""

from dataclasses import dataclass

from apispec.ext.marshmallow import OpenAPIConverter
from marshmallow import pre_load

from jimeng.documents import Status
from jimeng.i18n import t
from jimeng.schemas import MOST_IMAGES, ImageFields, Strict
from jimeng.schemas.batches import NewBatch
from jimeng.schemas.fields import (
    Between,
    Flag,
    Long,
    Many,
    OneOf,
    Text,
    Texts,
    Trimmed,
    Whole,
)

LONGEST_WAIT = 25  # seconds; hosts give a tool thirty to sixty
MOST_KEY, MOST_ID, MOST_CURSOR, MOST_WORDS = 255, 100, 500, 200  # characters
MOST_REFERENCE = 1024 * 1024  # characters: as much as a request has
MOST_LISTED, LISTED = 100, 20


class Arguments(Strict):
    """Nothing; and what is null was left out, since so models write it."""

    @pre_load
    def without_nulls(self, data: dict, **kwargs: object) -> dict:
        return {name: value for name, value in data.items() if value is not None}


class ToGenerate(Arguments, ImageFields):
    prompt = Trimmed(required=True)
    wait_seconds = Whole(load_default=LONGEST_WAIT, validate=Between(0, LONGEST_WAIT))
    idempotency_key = Text(validate=Long(1, MOST_KEY))


class ToEdit(ToGenerate):
    prompt = Trimmed(load_default="")
    images = Texts(
        each=Text(validate=Long(1, MOST_REFERENCE)),
        required=True,
        validate=Many(1, MOST_IMAGES),
    )
    mask = Text(validate=Long(1, MOST_REFERENCE))


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
        each=Text(validate=Long(1, MOST_REFERENCE)), validate=Many(1, MOST_IMAGES)
    )
    dry_run = Flag(load_default=False)
    idempotency_key = Text(validate=Long(1, MOST_KEY))


class ToGetBatch(Arguments):
    batch_id = Text(required=True, validate=Long(1, MOST_ID))


class ToAdd(Arguments):
    collection = Text(required=True, validate=Long(1, MOST_ID))
    images = Texts(
        each=Text(validate=Long(1, MOST_WORDS)),
        required=True,
        validate=Many(1, MOST_LISTED),
    )


def inline(schema: object) -> None:
    """No name for apispec: a schema in another stands where it is used."""


DESCRIBE = OpenAPIConverter("3.1.0", inline, None)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Takes:
    """
    What a tool takes.

    Attributes:
        schema: Checks it and describes it.
        fields: Those of the schema that a tool has.
    """

    schema: type[Arguments] = Arguments
    fields: tuple[str, ...] = ()

    def checked(self, given: dict) -> dict:
        """
        Raises:
            ValidationError: it is not what is described.
        """
        return self.schema(only=self.fields).load(given)

    def described(self) -> dict:
        """As its ``inputSchema``, with words for each in the request's language."""
        found = DESCRIBE.schema2jsonschema(self.schema(only=self.fields))
        for name, shape in found["properties"].items():
            shape["description"] = t(f"mcp.argument.{name}")
        return found


NOTHING = Takes()
SETTINGS = ("model", "size", "quality", "style", "n", "seed")
ONCE = ("wait_seconds", "idempotency_key")
GENERATE = Takes(ToGenerate, ("prompt", *SETTINGS, *ONCE))
EDIT = Takes(
    ToEdit, ("images", "prompt", *SETTINGS, *ONCE, "mask", "strength", "expand")
)
CANCEL = Takes(ToCancel, ("task_id",))
GET = Takes(ToGet, ("task_id", "wait_seconds"))
LIST = Takes(ToList, ("limit", "cursor", "status", "q"))
BATCH = Takes(
    ToCreateBatch,
    (
        *("template", "prompts", "name", *SETTINGS),
        *("idempotency_key", "images", "strength", "dry_run"),
    ),
)
GET_BATCH = Takes(ToGetBatch, ("batch_id",))
LIST_COLLECTIONS = Takes(ToListCollections, ("limit", "cursor"))
ADD = Takes(ToAdd, ("collection", "images"))
