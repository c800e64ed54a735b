"""
What a user can do to a task. All doors come through here.

Every function takes the `Viewer` that asks; what is not theirs is as if it had
never been.
"""

from jimeng.tasks.bulk import Outcome, cancel_many, cancel_pending, retry_many, select
from jimeng.tasks.changes import cancel, delete, delete_all, retry
from jimeng.tasks.creation import NewTask, create
from jimeng.tasks.reading import Page, find, find_all, image, page, recent
from jimeng.tasks.views import PictureView, TaskView, view, view_all

__all__ = [
    "NewTask",
    "Outcome",
    "Page",
    "PictureView",
    "TaskView",
    "cancel",
    "cancel_many",
    "cancel_pending",
    "create",
    "delete",
    "delete_all",
    "find",
    "find_all",
    "image",
    "page",
    "recent",
    "retry",
    "retry_many",
    "select",
    "view",
    "view_all",
]
