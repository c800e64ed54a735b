"""
What a user can do with tasks. All interfaces call these functions.

Each takes the `Principal` who asks; tasks of other users do not exist for them.
"""

from jimeng.tasks.bulk import (
    BulkEstimate,
    BulkResult,
    cancel_many,
    estimate_retries,
    newest_ids,
    retry_many,
)
from jimeng.tasks.cancellation import cancel, cancel_picture
from jimeng.tasks.creation import Request, create
from jimeng.tasks.deduplication import Attempt, create_or_join, mark_answered
from jimeng.tasks.deletion import delete, delete_all
from jimeng.tasks.estimates import Decision, Estimate, estimate
from jimeng.tasks.queries import (
    PictureView,
    TaskView,
    find,
    find_all,
    find_with_view,
    open_image,
    page,
    page_and_total,
    page_by_offset,
    usage_tokens,
    view,
    view_after_wait,
    view_all,
    view_changed,
)
from jimeng.tasks.retries import estimate_retry, original_wording, retry, run_again
from jimeng.tasks.summary import waiting_summary
