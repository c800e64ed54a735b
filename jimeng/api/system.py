"""What the service offers, and the queue for its operator."""

from jimeng import auth, jobs
from jimeng.api import blp
from jimeng.operations import queue
from jimeng.operations.queue import QueueView
from jimeng.providers import Model
from jimeng.schemas import replies
from jimeng.schemas.model_replies import ModelRecord, StyleRecord
from jimeng.tasks import styles
from jimeng.tasks.styles import Style


@blp.get("/styles", tags=["system"])
@blp.response(200, StyleRecord(many=True))
def list_styles() -> list[Style]:
    """List the styles that have a name, and the words that each stands for."""
    return [*styles.STYLES]


@blp.get("/models", tags=["system"])
@blp.response(200, ModelRecord(many=True))
def list_models() -> list[Model]:
    """List the models that this key may ask for, and what each of them takes."""
    viewer = auth.viewer_of_api()
    models = jobs.runtime().registry.models.values()
    return [model for model in models if viewer.may_use(model.id)]


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
