"""The queue, for its operator."""

from jimeng import auth
from jimeng.api import blp
from jimeng.operations import queue
from jimeng.operations.queue import QueueView
from jimeng.schemas import replies


@blp.get("/queue", tags=["system"])
@blp.response(200, replies.QueueRecord)
@blp.describe(errors=["admins_only"])
def show_queue() -> QueueView:
    """
    Look at the queue: what waits, what runs, what has ended, and who works.

    All numbers count pictures: a task of four counts as four, since each is a
    submission of its own. Dates are days in UTC.
    """
    return queue.read(auth.viewer_of_api())
