"""What the tools for many pictures do: batches, and collections."""

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
from jimeng.http.request_bodies import scoped_key
from jimeng.http.responses import absolute
from jimeng.i18n import t
from jimeng.mcp.handlers import as_sent, suited
from jimeng.mcp.results import Result
from jimeng.schemas.batch_responses import BatchEstimate, BatchRecord, Stand
from jimeng.schemas.collections import CollectionRecord
from jimeng.schemas.task_responses import picture_link
from jimeng.tasks import NewTask

RECORD, ESTIMATE, COLLECTION = BatchRecord(), BatchEstimate(), CollectionRecord()
KEPT = (
    *("batch_id", "name", "status", "reason", "count_of_prompts", "eta_seconds"),
    *("pictures", "waits", "lacking", "failures", "created_at"),
)
OF_ESTIMATE = ("dry_run", "model", "n", "count_of_prompts", "repeated", "cost")
OF_COLLECTION = ("id", "name", "pictures", "more_pictures", "updated_at")
NOT_SETTINGS = ("prompts", "template", "name")
MAX_SHOWN = 20  # prompts of an estimate, pictures of a batch: a model reads them all


def create_batch(principal: Principal, given: dict) -> Result:
    """
    Create a batch

    Ask for the pictures of many prompts at once, up to 500, with the same settings, n
    for each; every picture is charged. See with dry_run first how many and for how
    much, and ask your user. Answers at once with a batch_id: go on with get_batch. An
    equal call gets the same batch until that has ended.
    ---
    批量画图

    一次提交很多提示词（最多 500 条），共用同样的设置，每条 n 张，每张计费。先
    用 dry_run 看一共几张、多少钱，问过用户再提交。立即返回 batch_id，之后
    用 get_batch 看进度。同样的调用在前一批结束之前得到的是同一批。
    """
    key, dry_run = given.pop("idempotency_key", None), given.pop("dry_run")
    told = as_sent(given)
    if "images" in given:
        given.setdefault("model", suited(principal, {**given, "prompt": "x"}))
    new = batches.NewBatch(
        prompts=given.pop("prompts", ()),
        template=given.pop("template", ""),
        name=given.pop("name", ""),
        like=NewTask(user_id=principal.user_id, prompt="", **given),
        given={k: each for k, each in told.items() if k not in NOT_SETTINGS},
    )
    if dry_run:
        return Result(estimated(batches.estimate(principal, new)))
    call = json.dumps(["create_batch", told], sort_keys=True, ensure_ascii=False)
    made, joined = create_or_find(
        principal, new, call, idem_key=key and f"mcp {scoped_key(key)}"
    )
    found = record(batches.find(principal, made.id))
    if joined:
        found |= {"joined": True, "message": t("mcp.batch_joined")}
    return Result(found)


def get_batch(principal: Principal, given: dict) -> Result:
    """
    Get a batch

    How far a batch is, why pictures failed, and links to its 20 newest pictures; all of
    them are on its page.
    ---
    查看批次

    批次的进度、没画成的原因，和最新 20 张图的链接。全部图片在 page 那一页。
    """
    batch = batches.find(principal, given["batch_id"])
    shown = queries.pictures_of(principal, batch, limit=MAX_SHOWN).rows
    images = [{"id": each.id, "url": picture_link(each)} for each in shown]
    return Result({**record(batch), "images": images})


def record(batch: Batch) -> dict:
    """A batch as models need it, and where people see all of it."""
    told = RECORD.dump(Stand(batch, batches.progress(batch)))
    found = {name: told[name] for name in KEPT if told.get(name) is not None}
    found["page"] = told["links"]["html"]
    return {**found, "next": t("mcp.batch_next")} if batch.is_open else found


def estimated(found: batches.validation.BatchEstimate) -> dict:
    """What there would be; of very many prompts the first."""
    told = ESTIMATE.dump(found)
    more = {"total_pictures": found.pictures, "prompts": found.prompts[:MAX_SHOWN]}
    return {name: told[name] for name in OF_ESTIMATE} | more


def list_collections(principal: Principal, given: dict) -> Result:
    """
    List collections

    Your own collections, those that were put into last first.
    ---
    列出相册

    自己的相册，最近放过图片的在前。
    """
    page = collections.page(principal, principal.user_id, **given)
    rows = [described(each) for each in page.rows]
    return Result({"collections": rows, "next_cursor": page.next_cursor})


def add_to_collection(principal: Principal, given: dict) -> Result:
    """
    Add to a collection

    Put pictures that were drawn here into a collection; one of that name is made where
    there is none. Twice is as once.
    ---
    放进相册

    把画好的图片放进相册；写名称时，没有这本就新建。放过的再放一次也没关系。
    """
    ids = pictures_in(principal, given["images"])
    wanted = given["collection"]
    if wanted.startswith(PREFIX):
        found = collections.find(principal, wanted)
    else:
        found = collections.find_or_create(principal, wanted)
    change = collections.change(principal, found.id, add=ids)
    counts = {"added": change.added, "left_out": change.left_out}
    found = collections.find(principal, found.id)
    return Result({"collection": described(found), **counts})


def pictures_in(principal: Principal, references: list[str]) -> list[str]:
    """
    The ids of pictures that were drawn here, as they are named.

    Raises:
        Invalid: naming each that is none of the principal's.
    """
    named = inputs.look_up(principal, references)
    wrong = [each.field for each in named if each.picture is None]
    if wrong:
        raise Invalid({field: [("invalid.image_unknown", {})] for field in wrong})
    return [each.picture.id for each in named if each.picture is not None]


def described(collection: Collection) -> dict:
    """A collection, and where people see it."""
    told = COLLECTION.dump(collections.overview_of(collection))
    page = absolute(url_for("web.gallery", **{"in": collection.id}))
    return {**{name: told[name] for name in OF_COLLECTION}, "page": page}
