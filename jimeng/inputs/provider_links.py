"""Serve input pictures to providers that fetch links, only while they are needed."""

import logging
import time

from jimeng import jobs
from jimeng.documents import Generation, State, Task
from jimeng.documents.task import THERE
from jimeng.errors.inputs import UploadNotFound
from jimeng.jobs.inputs import fitted_file, inputs_of
from jimeng.pictures.contents import Content
from jimeng.pictures.input_links import verify
from jimeng.pictures.stores import StoredFile

log = logging.getLogger(__name__)

# Starting with the last write before the link is sent. A picture whose submission has
# an unknown end, or that was cancelled, may still be generating.
SERVED_STATES = [
    *(State.SUBMITTING.value, State.SEEKING.value),
    *(State.GENERATING.value, State.UNKNOWN.value),
]

# Tasks in the trash can be restored; permanently deleted ones serve nothing.
NOT_PURGED = {"$or": [THERE, {"purge_at": {"$exists": True}}]}


def open_link(token: str) -> tuple[Content, str]:
    """
    Find the input of a link.

    Returns:
        The file as it is sent to the provider, and its content type.

    Raises:
        UploadNotFound: the token is invalid or expired, or no generation uses the
            input now.
    """
    named = verify(token, jobs.runtime().config.SECRET_KEY)
    if named is None or named.end <= time.time():
        raise UploadNotFound("link invalid or expired")
    where = {"_id": named.generation_id, "inputs": named.input_id}
    generation = Generation.find_one({**where, "state": {"$in": SERVED_STATES}})
    is_wanted = generation and Task.find_one({"_id": generation.task_id, **NOT_PURGED})
    inputs = inputs_of(generation) if generation and is_wanted else None
    if generation is None or inputs is None:
        raise UploadNotFound(f"no generation uses {named.input_id} now")
    at = [each.id for each in inputs].index(named.input_id)
    about = fitted_file(at, inputs, generation)
    store = jobs.runtime().inputs
    known = about and store.find(about["file_id"])
    if not about or not known:
        raise UploadNotFound(f"no {named.input_id}")
    log.info("input fetched id=%s generation=%s", named.input_id, generation.id)
    content = StoredFile(store, about["file_id"], known.length, missing=UploadNotFound)
    return content, about["content_type"]
