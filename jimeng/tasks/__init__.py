"""
What a user can do to a task. All doors come through here.

Every function takes the `Viewer` that asks; what is not theirs is as if it had
never been.
"""

from jimeng.tasks.archive import chosen, pack
from jimeng.tasks.bulk import Outcome, cancel_many, retry_many, select
from jimeng.tasks.changes import cancel, delete, retry
from jimeng.tasks.creation import NewTask, check_intake, create
from jimeng.tasks.data_export import export
from jimeng.tasks.deletion import delete_all
from jimeng.tasks.favourites import set_favourite
from jimeng.tasks.gallery import (
    Pictures,
    Wanted,
    browse,
    has_pictures,
    models_used,
    pictures_of,
)
from jimeng.tasks.pictures import PictureRecord, find_picture, picture, replace_link
from jimeng.tasks.reading import find, find_all, image, page, recent
from jimeng.tasks.rerun import again, wording
from jimeng.tasks.tidying import empty_trash, restore_batch, trash_others
from jimeng.tasks.trash import (
    purge,
    purge_pictures,
    restore,
    restore_pictures,
    trash,
    trash_batch,
    trash_pictures,
)
from jimeng.tasks.trashed import (
    Others,
    count_others,
    trashed_pictures,
    trashed_tasks,
    trashed_thumbnail,
)
from jimeng.tasks.views import PictureView, TaskView, view, view_all, view_changed
