"""
What a user can do to a task. All doors come through here.

Every function takes the `Viewer` that asks; what is not theirs is as if it had
never been.
"""

from jimeng.tasks.changes import cancel, delete, delete_all, retry
from jimeng.tasks.creation import NewTask, create
from jimeng.tasks.reading import Page, find, find_all, image, page, recent
from jimeng.tasks.views import PictureView, TaskView, view, view_all

__all__ = [
    "NewTask",
    "Page",
    "PictureView",
    "TaskView",
    "cancel",
    "create",
    "delete",
    "delete_all",
    "find",
    "find_all",
    "image",
    "page",
    "recent",
    "retry",
    "view",
    "view_all",
]
