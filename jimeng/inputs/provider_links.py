"""What a provider that takes links fetches: while it draws from it, and only then."""

import logging
import os
import time
from typing import BinaryIO

from jimeng import jobs
from jimeng.documents import Generation, State, Task
from jimeng.documents.task import THERE
from jimeng.errors.inputs import UploadNotFound
from jimeng.jobs.inputs import fitted, inputs_of
from jimeng.pictures.input_links import opened

log = logging.getLogger(__name__)

# From the last write before the link is sent on; a picture of which nobody knows
# whether it was accepted may be being drawn, and so may one that was cancelled.
SERVED = [State.SUBMITTING.value, State.GENERATING.value, State.UNKNOWN.value]

# Deleted for good it is given to nobody any more; from the trash it may come back.
KEPT = {"$or": [THERE, {"purge_at": {"$exists": True}}]}


def fetched(token: str) -> tuple[BinaryIO, int, str]:
    """
    The bytes that *token* names, as they are sent, how many, and their content type.

    Raises:
        UploadNotFound: it was not made here, its time is over, or nothing is drawn
            from it now.
    """
    named = opened(token, jobs.runtime().config.SECRET_KEY)
    if named is None or named.end <= time.time():
        raise UploadNotFound("a link that is none, or no longer")
    where = {"_id": named.generation_id, "inputs": named.input_id}
    generation = Generation.find_one({**where, "state": {"$in": SERVED}})
    is_wanted = generation and Task.find_one({"_id": generation.task_id, **KEPT})
    inputs = inputs_of(generation) if generation and is_wanted else None
    if generation is None or inputs is None:
        raise UploadNotFound(f"nothing is drawn from {named.input_id}")
    at = [each.id for each in inputs].index(named.input_id)
    about = fitted(at, inputs, generation)
    content = about and jobs.runtime().inputs.open(about["file_id"])
    if not about or not content:
        raise UploadNotFound(f"no bytes of {named.input_id}")
    log.info("input fetched id=%s generation=%s", named.input_id, generation.id)
    size = content.seek(0, os.SEEK_END)
    content.seek(0)
    return content, size, about["content_type"]
