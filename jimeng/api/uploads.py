"""Uploads: input pictures that tasks refer to."""

from flask import Response, url_for

from jimeng import inputs
from jimeng.api import blp
from jimeng.api.openapi.blueprint import BINARY
from jimeng.api.pagination import describe_list, page_response
from jimeng.documents import Input
from jimeng.http import auth
from jimeng.http.request_kinds import sends_picture
from jimeng.http.requests import accepts_pictures, idempotency_key, read_form
from jimeng.http.responses import file_response, success
from jimeng.schemas.fields import Nothing
from jimeng.schemas.pagination import OfCustomers
from jimeng.schemas.responses import UploadDeleted, UploadRecord
from jimeng.schemas.tasks import NewUpload

LINKS = ["get_upload", "get_upload_content", "delete_upload"]
FORM, RECORD, RECORDS = NewUpload(), UploadRecord(), UploadRecord(many=True)


@blp.post("/uploads", tags=["uploads"])
@blp.response(201, UploadRecord)
@blp.describe(
    form=NewUpload,
    errors=[
        *("user_id_not_yours", "too_many_uploads", "uploads_full"),
        *("idempotency_key_invalid", "idempotency_key_reused"),
        *("queue_unavailable", "server_busy"),
    ],
    headers=["Idempotent-Replayed"],
    always=["Location"],
    takes=["Idempotency-Key"],
    makes=("id", "upload_id", LINKS),
)
@accepts_pictures
def create_upload() -> Response:
    """
    Upload a picture that tasks can use in `images` or `mask`.

    JPEG, PNG or WebP, at most 16 MiB and 40 million pixels (JPEG: 100 million). It is
    rotated upright, converted to sRGB, scaled to at most 4096 pixels a side, and
    stripped of metadata; the original file is not stored. With an `Idempotency-Key`
    the same file can be sent again safely: within a day the same key returns the same
    upload.
    """
    principal = auth.principal_of_api()
    form = read_form(FORM)
    form.setdefault("user_id", principal.user_id)
    with form["file"].stream as file:
        content = file.read()
    upload, replayed = inputs.upload_once(
        principal, form["user_id"], content, field="file", idem_key=idempotency_key()
    )
    headers = {"Location": url_for("api.get_upload", upload_id=upload.id)}
    if replayed:
        headers["Idempotent-Replayed"] = "true"
    return success(RECORD.dump(upload), 201, headers=headers)


@blp.get("/uploads", tags=["uploads"])
@blp.arguments(OfCustomers, location="query")
@blp.response(200, RECORDS)
@describe_list(errors=["user_not_found"])
def list_uploads(query: dict) -> Response:
    """
    List a user's uploads, newest first.

    With `customers=true` also those of all customers of the account (see `act_for`).
    The next page is in `Link` and in `next_cursor`; a page may be short, even empty,
    and have a next one all the same.
    """
    page = inputs.page(auth.principal_of_api(), **query)
    return page_response(RECORDS.dump(page.rows), page.next_cursor)


@blp.get("/uploads/<upload_id>", tags=["uploads"])
@blp.response(200, UploadRecord)
@blp.describe(errors=["upload_not_found"])
def get_upload(upload_id: str) -> Input:
    """Get an upload: its size, and how long it is stored."""
    return inputs.find(auth.principal_of_api(), upload_id)


@blp.get("/uploads/<upload_id>/content", tags=["uploads"])
@blp.response(200, BINARY, content_type="image/*", example="…")
# For programs that know no ranges of types.
@blp.alt_response(
    200, schema=BINARY, content_type="application/octet-stream", example="…"
)
@blp.describe(errors=["upload_not_found"])
@sends_picture
def get_upload_content(upload_id: str) -> Response:
    """Download the picture as stored; only for its owner."""
    found, content = inputs.content_of(auth.principal_of_api(), upload_id)
    response = file_response(content, found.content_type)
    response.headers["Cache-Control"] = "private, no-store"
    name = f"{found.id}.{found.suffix}"
    response.headers["Content-Disposition"] = f'inline; filename="{name}"'
    return response


@blp.delete("/uploads/<upload_id>", tags=["uploads"])
@blp.arguments(Nothing)
@blp.response(200, UploadDeleted)
@blp.describe(errors=["upload_not_found"])
def delete_upload(params: dict, upload_id: str) -> dict:
    """
    Delete an upload.

    Tasks that use it go on; its bytes are deleted once none does.
    """
    inputs.delete(auth.principal_of_api(), upload_id)
    return {"id": upload_id}
