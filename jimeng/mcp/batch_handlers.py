"""Handlers of the tools for batches and collections."""

import json

from flask import url_for

from jimeng import batches, inputs
from jimeng.batches import queries
from jimeng.batches.creation import create_or_find
from jimeng.documents import Batch, Collection
from jimeng.documents.collection import PREFIX
from jimeng.documents.principal import Principal
from jimeng.errors import Invalid
from jimeng.gallery import collections
from jimeng.http import long_polls
from jimeng.http.requests import scoped_key
from jimeng.http.responses import absolute
from jimeng.i18n import t
from jimeng.mcp import arguments as takes
from jimeng.mcp import results
from jimeng.mcp.handlers import canonical_arguments, default_model
from jimeng.mcp.results import Result
from jimeng.mcp.tools import tool
from jimeng.schemas.batches import BatchEstimate, BatchRecord, BatchState
from jimeng.schemas.collections import CollectionRecord
from jimeng.schemas.tasks import link_of
from jimeng.tasks import Request

RECORD, ESTIMATE, COLLECTION = BatchRecord(), BatchEstimate(), CollectionRecord()
NOT_SETTINGS = ("prompts", "template", "name")
MAX_SHOWN = 20  # prompts of an estimate, pictures of a batch: a model reads them all


@tool("create_batch", takes.BATCH, results.BATCH, changes=True)
def create_batch(principal: Principal, arguments: dict) -> Result:
    """
    Create a batch

    Generate images from many prompts, up to 500, with the same settings, n for each;
    every image is charged. Get the number and the price with dry_run first, and ask
    your user. Returns a batch_id immediately: continue with get_batch. An identical
    call returns the same batch until it has ended.
    """
    key, dry_run = arguments.pop("idempotency_key", None), arguments.pop("dry_run")
    canonical = canonical_arguments(arguments)
    if "images" in arguments:
        arguments.setdefault(
            "model", default_model(principal, {**arguments, "prompt": "x"})
        )
    new = batches.NewBatch(
        prompts=arguments.pop("prompts", ()),
        template=arguments.pop("template", ""),
        name=arguments.pop("name", ""),
        like=Request(
            user_id=arguments.pop("user_id", principal.user_id), prompt="", **arguments
        ),
        request={k: each for k, each in canonical.items() if k not in NOT_SETTINGS},
    )
    if dry_run:
        return Result(estimate_record(batches.estimate(principal, new)))
    call = json.dumps(["create_batch", canonical], sort_keys=True, ensure_ascii=False)
    batch, joined = create_or_find(
        principal, new, call, idem_key=key and f"mcp {scoped_key(key)}"
    )
    found = record(batches.find(principal, batch.id))
    if joined:
        found |= {"joined": True, "message": t("mcp.batch_joined")}
    return Result(found)


@tool("get_batch", takes.GET_BATCH, results.BATCH)
def get_batch(principal: Principal, arguments: dict) -> Result:
    """
    Get a batch

    Return a batch's progress, why images failed, and links to its 20 newest images; all
    of them are on its page. With wait_seconds, wait for its end.
    """
    batch = batches.find(principal, arguments["batch_id"])
    waited = long_polls.wait_if_open(principal, batch, arguments["wait_seconds"])
    if waited is not None:
        batch = batches.find(principal, batch.id)
    shown = queries.pictures_of(principal, batch, limit=MAX_SHOWN).rows
    images = [{"id": each.id, "url": link_of(each)} for each in shown]
    return Result({**record(batch), "images": images})


def record(batch: Batch) -> dict:
    """A batch's record for models, with the URL of its page."""
    dumped = RECORD.dump(BatchState(batch, batches.progress(batch)))
    found = {
        name: dumped[name]
        for name in results.BATCH_FIELDS
        if dumped.get(name) is not None
    }
    found["page"] = dumped["links"]["html"]
    return {**found, "next": t("mcp.batch_next")} if batch.is_open else found


def estimate_record(found: batches.validation.BatchEstimate) -> dict:
    """An estimate's record, with the first prompts."""
    dumped = ESTIMATE.dump(found)
    more = {"total_pictures": found.pictures, "prompts": found.prompts[:MAX_SHOWN]}
    return {name: dumped[name] for name in results.ESTIMATE_FIELDS} | more


@tool("list_collections", takes.LIST_COLLECTIONS, results.COLLECTIONS)
def list_collections(principal: Principal, arguments: dict) -> Result:
    """
    List collections

    List your own collections, most recently changed first.
    """
    page = collections.page(principal, principal.user_id, **arguments)
    rows = [collection_record(each) for each in page.rows]
    return Result({"collections": rows, "next_cursor": page.next_cursor})


@tool("add_to_collection", takes.ADD, results.ADDED, changes=True)
def add_to_collection(principal: Principal, arguments: dict) -> Result:
    """
    Add to a collection

    Add images of this server to a collection, which is created if there is none of that
    name. Idempotent.
    """
    ids = picture_ids(principal, arguments["images"])
    wanted = arguments["collection"]
    if wanted.startswith(PREFIX):
        found = collections.find(principal, wanted)
    else:
        found = collections.find_or_create(principal, wanted)
    change = collections.change(principal, found.id, add=ids)
    counts = {"added": change.added, "left_out": change.left_out}
    found = collections.find(principal, found.id)
    return Result({"collection": collection_record(found), **counts})


def picture_ids(principal: Principal, references: list[str]) -> list[str]:
    """
    The ids of pictures, from ids or links.

    Raises:
        Invalid: some are not pictures of the principal's; names each.
    """
    named = inputs.find_inputs(principal, references)
    wrong = [each.field for each in named if each.picture is None]
    if wrong:
        raise Invalid({field: [("invalid.image_unknown", {})] for field in wrong})
    return [each.picture.id for each in named if each.picture is not None]


def collection_record(collection: Collection) -> dict:
    """A collection's record, with the URL of its page."""
    dumped = COLLECTION.dump(collections.overview_of(collection))
    page = absolute(url_for("web.gallery", **{"in": collection.id}))
    return {**{name: dumped[name] for name in results.COLLECTION_FIELDS}, "page": page}
