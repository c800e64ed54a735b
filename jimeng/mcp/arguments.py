"""Arguments of tools: marshmallow schemas that validate and describe them."""

from typing import ClassVar

from apispec.ext.marshmallow import OpenAPIConverter
from marshmallow import pre_load

from jimeng.documents import Status
from jimeng.i18n import language
from jimeng.schemas.batches import NewBatch
from jimeng.schemas.fields import (
    AS_USER_ID,
    Boolean,
    Integer,
    Length,
    Metadata,
    OneOf,
    Range,
    Strict,
    StringList,
    Text,
    Trimmed,
    user_id_check,
)
from jimeng.schemas.reference_texts import translated
from jimeng.schemas.tasks import (
    MAX_IMAGES,
    REFERENCE,
    ImageFields,
    WithMetadata,
    WithWebhook,
)
from jimeng.schemas.videos import VideoFields
from jimeng.tasks.queries import MAX_SEARCH_CHARS

MAX_WAIT_S = 25  # hosts time tools out after 30 to 60 seconds
MAX_KEY_CHARS, MAX_ID_CHARS, MAX_CURSOR_CHARS, MAX_LINK_CHARS = (
    255,
    100,
    500,
    200,
)  # characters
MAX_LISTED, DEFAULT_LISTED = 100, 20
PROMPT = "What the picture shows, usually 800 characters at most"
IMAGES = (
    "The input images, in order: links, ids of images or uploads, https "
    "URLs, or data: URLs"
)
WAIT_SECONDS = "Maximum seconds to wait; 0 returns immediately"


class Arguments(Strict):
    """
    The base of all arguments. Null counts as omitted, because models write it so.

    Attributes:
        texts: Descriptions for models, instead of those of the REST API.
    """

    texts: ClassVar[dict[str, str]] = {}

    @pre_load
    def without_nulls(self, data: dict, **kwargs: object) -> dict:
        return {name: value for name, value in data.items() if value is not None}


class OfCustomer(Arguments):
    """Arguments of tools that act for a user whom the key may name."""

    user_id = Text(
        "The customer to act for: an id under the key's prefix; the key's owner "
        "if omitted",
        validate=user_id_check,
        metadata=AS_USER_ID,
    )


class DrawingArguments(OfCustomer):
    """Arguments of tools that draw: idempotent by key."""

    texts: ClassVar = {
        "model": (
            "A model's name or alias, see list_models; usually omitted for the default"
        ),
        "style": "A style as free text, added to the prompt",
        "seed": "-1 picks a random seed; change it for a different picture",
    }
    idempotency_key = Text(
        "A key generates only once within a day; use a new key to repeat an "
        "identical call",
        validate=Length(1, MAX_KEY_CHARS),
    )


class WithDryRun(Arguments):
    dry_run = Boolean(
        "Return the price only, and whether it is allowed; nothing is created",
        load_default=False,
    )


class GenerateArguments(
    WithDryRun, DrawingArguments, WithWebhook, WithMetadata, ImageFields
):
    prompt = Trimmed(PROMPT, required=True)
    wait_seconds = Integer(
        WAIT_SECONDS, load_default=MAX_WAIT_S, validate=Range(0, MAX_WAIT_S)
    )


class EditArguments(GenerateArguments):
    prompt = Trimmed(PROMPT, load_default="")
    images = StringList(
        IMAGES,
        each=Text(validate=REFERENCE),
        required=True,
        validate=Length(1, MAX_IMAGES),
    )
    mask = Text(
        "The region to repaint: a PNG of the first image's size, transparent "
        "there; takes the same values as images",
        validate=REFERENCE,
    )


class GenerateVideoArguments(
    WithDryRun, DrawingArguments, WithWebhook, WithMetadata, VideoFields
):
    texts: ClassVar = {
        **DrawingArguments.texts,
        "model": (
            "A video model's name or alias, see list_models with makes video; "
            "usually omitted for the default"
        ),
    }
    wait_seconds = Integer(WAIT_SECONDS, load_default=0, validate=Range(0, MAX_WAIT_S))


class ListModelsArguments(Arguments):
    makes = Text(
        "image: models that generate images; video: models that generate videos",
        load_default="image",
        validate=OneOf("image", "video"),
    )


class CancelArguments(Arguments):
    task_id = Text(
        "The task_id returned by generate_image or generate_video",
        required=True,
        validate=Length(1, MAX_ID_CHARS),
    )


class GetTaskArguments(CancelArguments):
    wait_seconds = Integer(WAIT_SECONDS, load_default=0, validate=Range(0, MAX_WAIT_S))


class PageArguments(Arguments):
    limit = Integer(
        "How many at most",
        load_default=DEFAULT_LISTED,
        validate=Range(1, MAX_LISTED),
    )
    cursor = Text(
        "The next_cursor of the previous page",
        validate=Length(1, MAX_CURSOR_CHARS),
    )


class ListTasksArguments(PageArguments, OfCustomer):
    metadata = Metadata("Only those whose metadata has all of these")
    status = Text("Only those in this status", validate=OneOf(*Status))
    q = Text(
        "Only those whose prompt has these words",
        validate=Length(1, MAX_SEARCH_CHARS),
    )


class CreateBatchArguments(DrawingArguments, NewBatch):
    texts: ClassVar = {
        **DrawingArguments.texts,
        "prompts": "Prompts, used verbatim; either this or template is required",
    }
    images = StringList(
        IMAGES,
        each=Text(validate=REFERENCE),
        validate=Length(1, MAX_IMAGES),
    )
    dry_run = Boolean(
        "Return the number and the price only; nothing is created",
        load_default=False,
    )


class GetBatchArguments(Arguments):
    batch_id = Text(
        "The batch_id returned by create_batch",
        required=True,
        validate=Length(1, MAX_ID_CHARS),
    )
    wait_seconds = Integer(WAIT_SECONDS, load_default=0, validate=Range(0, MAX_WAIT_S))


class AddToCollectionArguments(Arguments):
    collection = Text(
        "A collection's name, or its id, see list_collections",
        required=True,
        validate=Length(1, MAX_ID_CHARS),
    )
    images = StringList(
        "The images: links, or ids such as a task_id followed by _0",
        each=Text(validate=Length(1, MAX_LINK_CHARS)),
        required=True,
        validate=Length(1, MAX_LISTED),
    )


def inline(schema: object) -> None:
    """Tell apispec to inline nested schemas."""


DESCRIBE = OpenAPIConverter("3.1.0", inline, None)  # type: ignore[arg-type]


def input_schema(taken: Arguments) -> dict:
    """A tool's ``inputSchema``, described in the request's language."""
    found = DESCRIBE.schema2jsonschema(taken)
    for name, text in taken.texts.items():
        if name in found["properties"]:
            found["properties"][name]["description"] = text
    return translated(found, language())


SETTINGS = ("model", "size", "quality", "style", "n", "seed")
CALLER_FIELDS = ("metadata", "webhook_url", "webhook_events")
ONCE = ("wait_seconds", "idempotency_key", "user_id", "dry_run", *CALLER_FIELDS)
GENERATE = GenerateArguments(only=("prompt", *SETTINGS, *ONCE))
GENERATE_VIDEO, LIST_MODELS = GenerateVideoArguments(), ListModelsArguments()
EDIT = EditArguments(
    only=("images", "prompt", *SETTINGS, *ONCE, "mask", "strength", "expand")
)
CANCEL, GET, LIST = CancelArguments(), GetTaskArguments(), ListTasksArguments()
BATCH = CreateBatchArguments(
    only=(
        *("template", "prompts", "name", *SETTINGS),
        *(
            "idempotency_key",
            "user_id",
            *CALLER_FIELDS,
            "images",
            "strength",
            "dry_run",
        ),
    )
)
GET_BATCH, LIST_COLLECTIONS, ADD = (
    GetBatchArguments(),
    PageArguments(),
    AddToCollectionArguments(),
)
