"""Batches: create, read, cancel, retry and delete."""

from flask import Response, g

from jimeng import batches, tasks
from jimeng.api import blp
from jimeng.api.images import CREATE_ERRORS, RETRY_AFTER_S, wait_for
from jimeng.api.pagination import describe_list, page_response
from jimeng.documents import Batch
from jimeng.documents.principal import Principal
from jimeng.http import auth
from jimeng.http.request_kinds import polled
from jimeng.http.requests import accepts_pictures, idempotency_key
from jimeng.http.responses import (
    etag,
    etag_headers,
    not_modified,
    path_for,
    success,
)
from jimeng.schemas.batches import (
    BatchDeleted,
    BatchEstimate,
    BatchRecord,
    BatchState,
    BatchTasks,
    BatchWithPrompts,
    NewBatch,
    RetryBatch,
)
from jimeng.schemas.fields import Nothing
from jimeng.schemas.model_responses import EstimateRecord
from jimeng.schemas.pagination import BatchesByCursor
from jimeng.schemas.tasks import DryRunQuery, TaskRecord
from jimeng.tasks import Request

RECORD, WITH_PROMPTS = BatchRecord(), BatchWithPrompts()
ESTIMATE, RETRY_ESTIMATE = BatchEstimate(), EstimateRecord()
RECORDS, TASKS = BatchRecord(many=True), TaskRecord(many=True)
LINKS = ["get_batch", "follow_batch", "list_batch_tasks", "cancel_batch", "retry_batch"]
LINKS += ["delete_batch"]
NOT_OF_BATCHES = {"too_many_pending", "key_too_many_submissions"}
NEW_BATCH = [code for code in CREATE_ERRORS if code not in NOT_OF_BATCHES]


def state_of(batch: Batch) -> BatchState:
    return BatchState(batch, batches.progress(batch))


def batch_response(
    batch: Batch, status: int = 200, *, replayed: bool = False
) -> Response:
    """A response with the batch's current state."""
    headers = {"Retry-After": str(RETRY_AFTER_S)} if batch.is_open else {}
    if status == 202:
        headers["Location"] = path_for("api.get_batch", batch_id=batch.id)
        headers["Retry-After"] = str(RETRY_AFTER_S)
    if replayed:
        headers["Idempotent-Replayed"] = "true"
    return success(RECORD.dump(state_of(batch)), status, headers=headers)


@blp.post("/batches", tags=["batches"])
@blp.arguments(DryRunQuery(), location="query")
@blp.arguments(NewBatch())
@blp.response(202, BatchRecord)
@blp.describe(
    errors=[*NEW_BATCH, "user_id_not_yours", "too_many_batches"],
    headers=["Idempotent-Replayed"],
    always=["Location", "Retry-After"],
    takes=["Idempotency-Key"],
    makes=("batch_id", "batch_id", LINKS),
    estimate=BatchEstimate,
)
@accepts_pictures
def create_batch(query: dict, params: dict) -> Response:
    """
    Create a batch of up to 500 prompts.

    All prompts share the same settings. Each of `prompts` is used verbatim; each
    line of `template` is a prompt, empty lines are skipped, and `{red|blue|green}`
    expands to each alternative: a line with several groups yields every combination.
    Duplicates are generated once. `images` are inputs of every task, stored once.

    Returns at once. Tasks are created gradually as slots become free, and do not delay
    the user's other tasks. While a limit is reached (slots, a quota, a limit of the
    key) the batch waits, and `waits` says for what. With `?dry_run=1` nothing is
    created: the request is validated, and the response is a 200 with the prompts, the
    number of pictures and the price.
    """
    received = {name: value for name, value in params.items() if name in g.body}
    prompts, template = params.pop("prompts", ()), params.pop("template", "")
    name = params.pop("name", "")
    principal = auth.principal_of_api()
    params.setdefault("user_id", principal.user_id)
    for each in ("prompts", "template", "name"):
        received.pop(each, None)
    new = batches.NewBatch(
        like=Request(**params, prompt=""),
        prompts=prompts,
        template=template,
        name=name,
        request=received,
    )
    if query["dry_run"]:
        return success(ESTIMATE.dump(batches.estimate(principal, new)))
    batch, replayed = batches.create(principal, new, idem_key=idempotency_key())
    return batch_response(batches.find(principal, batch.id), 202, replayed=replayed)


@blp.get("/batches", tags=["batches"])
@blp.arguments(BatchesByCursor, location="query")
@blp.response(200, RECORDS)
@describe_list(errors=["user_not_found"])
def list_batches(query: dict) -> Response:
    """
    List a user's batches, newest first.

    With `customers=true` also those of all customers of the account (see `act_for`).
    The next page is in `Link` and in `next_cursor`. With `status` or `customers` a page
    may be short, even empty, and have a next one all the same.
    """
    principal = auth.principal_of_api()
    user_id = query.pop("user_id", principal.user_id)
    page = batches.page(principal, user_id, **query)
    found = batches.progress_of_all(page.rows)
    rows = RECORDS.dump([BatchState(each, found[each.id]) for each in page.rows])
    return page_response(rows, page.next_cursor)


@blp.get("/batches/<batch_id>", tags=["batches"])
@blp.response(200, BatchWithPrompts)
@blp.describe(
    errors=["batch_not_found"],
    headers=["Retry-After", "Preference-Applied"],
    always=["ETag"],
    takes=["If-None-Match", "Prefer"],
)
@blp.alt_response(304)
@polled
def get_batch(batch_id: str) -> Response:
    """
    Get a batch: its progress, why pictures failed, and all its prompts.

    `ETag` and `If-None-Match` make polling cheap; with `Prefer: wait=60` the response
    is sent when the batch has ended, or after that many seconds.
    """
    principal = auth.principal_of_api()
    batch = batches.find(principal, batch_id, whole=True)
    waited = wait_for(principal, batch)
    if batch.is_open and waited.headers:
        batch = batches.find(principal, batch_id, whole=True)
    record = WITH_PROMPTS.dump(state_of(batch))
    tag = etag(record)
    response = not_modified(tag) or success(record, headers=etag_headers(tag))
    response.headers.update(waited.headers)
    if batch.is_open:
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return response


@blp.get("/batches/<batch_id>/tasks", tags=["batches"])
@blp.arguments(BatchTasks, location="query")
@blp.response(200, TASKS)
@describe_list(errors=["batch_not_found"])
def list_batch_tasks(query: dict, batch_id: str) -> Response:
    """
    List a batch's tasks in the order of their prompts.

    Retries follow the tasks that they retry.
    """
    principal = auth.principal_of_api()
    batch = batches.find(principal, batch_id)
    limit = query["limit"]
    found = tasks_of(principal, batch, query)
    next_cursor = found[limit - 1].id if len(found) > limit else None
    rows = TASKS.dump(tasks.view_all(principal, found[:limit], whole=True))
    return page_response(rows, next_cursor)


def tasks_of(principal: Principal, batch: Batch, query: dict) -> list:
    return batches.tasks_of(
        principal,
        batch,
        limit=query["limit"] + 1,
        after=query.get("cursor"),
        status=query.get("status", ()),
    )


@blp.post("/batches/<batch_id>/cancel", tags=["batches"])
@blp.arguments(Nothing)
@blp.response(200, BatchRecord)
@blp.describe(errors=["batch_not_found", "batch_finished"], headers=["Retry-After"])
def cancel_batch(params: dict, batch_id: str) -> Response:
    """
    Cancel the rest of a batch.

    No more tasks are created, and waiting pictures are never submitted. A picture that
    the provider has begun is charged once, and not shown.
    """
    return batch_response(batches.cancel(auth.principal_of_api(), batch_id))


@blp.post("/batches/<batch_id>/retry", tags=["batches"])
@blp.arguments(DryRunQuery(), location="query")
@blp.arguments(RetryBatch)
@blp.response(202, BatchRecord)
@blp.describe(
    errors=[
        *("batch_not_found", "batch_not_retryable", "may_be_charged_twice"),
        "model_not_allowed",
    ],
    always=["Location", "Retry-After"],
    estimate=EstimateRecord,
)
def retry_batch(query: dict, params: dict, batch_id: str) -> Response:
    """
    Retry the missing pictures of a batch.

    Each failed task is retried once if that may help. With `rest`, cancelled tasks are
    retried and missing ones created. Tasks that were, or may have been, charged are
    only included if `accept_double_charge` is true. With `?dry_run=1` nothing is
    retried: the response is a 200 with the number of pictures and the price.
    """
    if query["dry_run"]:
        found = batches.estimate_retry(auth.principal_of_api(), batch_id, **params)
        return success(RETRY_ESTIMATE.dump(found))
    return batch_response(
        batches.retry(auth.principal_of_api(), batch_id, **params), 202
    )


@blp.delete("/batches/<batch_id>", tags=["batches"])
@blp.arguments(Nothing)
@blp.response(200, BatchDeleted)
@blp.describe(errors=["batch_not_found"])
def delete_batch(params: dict, batch_id: str) -> dict:
    """
    Delete a batch.

    Unfinished tasks are cancelled. Tasks and pictures move to the trash, from which
    they can be restored for seven days.
    """
    batches.delete(auth.principal_of_api(), batch_id)
    return {"batch_id": batch_id}
