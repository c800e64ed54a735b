"""Models, styles, and the queue for operators."""

from jimeng import jobs
from jimeng.api import blp
from jimeng.http import auth
from jimeng.operations import queue
from jimeng.operations.queue import QueueView
from jimeng.providers import Model
from jimeng.schemas import responses
from jimeng.schemas.model_responses import ModelRecord, StyleRecord
from jimeng.tasks import styles
from jimeng.tasks.styles import Style


@blp.get("/styles", tags=["system"])
@blp.response(200, StyleRecord(many=True))
def list_styles() -> list[Style]:
    """List the named styles, and the phrase that each stands for."""
    return [*styles.STYLES]


@blp.get("/models", tags=["system"])
@blp.response(200, ModelRecord(many=True))
def list_models() -> list[Model]:
    """List the models that this key may use, and what each accepts."""
    principal = auth.principal_of_api()
    models = jobs.runtime().registry.models.values()
    return [model for model in models if principal.may_use(model.id)]


@blp.get("/queue", tags=["system"])
@blp.response(200, responses.QueueRecord)
@blp.describe(errors=["admins_only"])
def show_queue() -> QueueView:
    """
    Get the queue: waiting, running and ended pictures, and the workers.

    All numbers count pictures: a task of four counts as four, since each is submitted
    separately. Dates are days in the server's billing time zone.
    """
    return queue.read_queue(auth.principal_of_api())
