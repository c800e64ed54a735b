"""
What a user can do to a task. All doors come through here.

Every function takes the `Principal` that asks; what is not theirs is as if it had
never been.
"""

from jimeng.tasks.bulk import Outcome, cancel_many, retry_many, select
from jimeng.tasks.cancellation import cancel, cancel_picture
from jimeng.tasks.creation import create
from jimeng.tasks.deduplication import Request, answered, create_or_join
from jimeng.tasks.deletion import delete, delete_all
from jimeng.tasks.estimates import Estimate, estimate
from jimeng.tasks.queries import find, find_all, image, look, look_again, page, recent
from jimeng.tasks.requests import NewTask
from jimeng.tasks.retries import again, estimate_retry, retry, wording
from jimeng.tasks.summary import Line, line
from jimeng.tasks.views import PictureView, TaskView, view, view_all, view_changed
