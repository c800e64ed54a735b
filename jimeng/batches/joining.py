"""Joining: a program that calls again has not heard of the batch that it has made."""

import hashlib

from jimeng.batches.asking import create
from jimeng.batches.judging import NewBatch
from jimeng.batches.repeating import keyed_id
from jimeng.documents import Batch
from jimeng.viewers import Viewer

MOST_IN_TURN = 50  # equal batches of a user that are all there
# No idempotency key has a space in it.
MARK = "equal call {mark} {number}"


def create_or_find(
    viewer: Viewer, new: NewBatch, call: str, *, idem_key: str | None = None
) -> tuple[Batch, bool]:
    """
    `create`, but of equal calls one makes a batch until that has ended.

    Args:
        call: What equal calls have in common, as text.
        idem_key: As `create`; then only that counts.

    Returns:
        The batch, and whether an earlier call had made it.

    Raises:
        JimengError: as `create`.
    """
    if idem_key is not None:
        return create(viewer, new, idem_key=idem_key)
    mark = hashlib.sha256(call.encode()).hexdigest()
    for number in range(MOST_IN_TURN):
        key = MARK.format(mark=mark, number=number)
        found = Batch.find_one({"_id": keyed_id(new.like.user_id, key)})
        # Calls at one moment come to the same number, of which there is one batch.
        if found is None:
            return create(viewer, new, idem_key=key)
        if found.is_open and not found.deleted_at:
            return found, True
    return create(viewer, new)
