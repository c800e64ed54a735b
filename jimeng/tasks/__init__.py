"""
What a user can do to a task. All doors come through here.

Every function takes the `Viewer` that asks; what is not theirs is as if it had
never been. `batches`, `collections`, `sharing`, `prompts`, `accounts`, `schemas`,
`operations` and the doors may import it; it knows no Flask.
"""

from jimeng.tasks.archive import chosen, pack
from jimeng.tasks.building import NewTask
from jimeng.tasks.cancelling import cancel, cancel_picture
from jimeng.tasks.creation import create
from jimeng.tasks.data_export import export
from jimeng.tasks.deletion import delete, delete_all
from jimeng.tasks.estimating import Estimate, estimate
from jimeng.tasks.files import open_as, with_words
from jimeng.tasks.gallery import (
    Wanted,
    browse,
    has_pictures,
    hits,
    models_used,
    pictures_in,
    pictures_of,
)
from jimeng.tasks.joining import Request, answered, create_or_join
from jimeng.tasks.many import Outcome, cancel_many, retry_many, select
from jimeng.tasks.pictures import (
    PictureRecord,
    find_picture,
    made_into,
    picture,
    replace_link,
    set_favourite,
)
from jimeng.tasks.reading import find, find_all, image, look, look_again, page, recent
from jimeng.tasks.retrying import again, estimate_retry, retry, wording
from jimeng.tasks.summary import Line, line
from jimeng.tasks.tidying import (
    Others,
    count_others,
    empty_trash,
    find_tidying,
    restore_together,
    trash_others,
    under_way,
)
from jimeng.tasks.trash import (
    purge,
    purge_pictures,
    restore,
    restore_pictures,
    trash,
    trash_pictures,
    trash_together,
    trashed_pictures,
    trashed_tasks,
    trashed_thumbnail,
)
from jimeng.tasks.views import (
    PictureView,
    TaskView,
    view,
    view_all,
    view_changed,
)
