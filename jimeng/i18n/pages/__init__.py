"""Messages of the pages, a file for each area."""

from jimeng.i18n.pages.account import ACCOUNT
from jimeng.i18n.pages.batches import BATCH_PAGES
from jimeng.i18n.pages.collections import COLLECTIONS
from jimeng.i18n.pages.create import CREATE
from jimeng.i18n.pages.docs import DOCS
from jimeng.i18n.pages.feed import FEED
from jimeng.i18n.pages.gallery import GALLERY
from jimeng.i18n.pages.inputs import INPUTS
from jimeng.i18n.pages.models import MODELS
from jimeng.i18n.pages.money import MONEY
from jimeng.i18n.pages.operator import OPERATOR
from jimeng.i18n.pages.picture import PICTURE
from jimeng.i18n.pages.prompts import PROMPTS
from jimeng.i18n.pages.second_factor import SECOND_FACTOR
from jimeng.i18n.pages.shell import SHELL
from jimeng.i18n.pages.sign_in import SIGN_IN
from jimeng.i18n.pages.task_list import TASK_LIST
from jimeng.i18n.pages.videos import VIDEOS

PAGES: dict[str, tuple[str, str]] = {
    **ACCOUNT,
    **BATCH_PAGES,
    **COLLECTIONS,
    **CREATE,
    **DOCS,
    **FEED,
    **GALLERY,
    **INPUTS,
    **MODELS,
    **MONEY,
    **OPERATOR,
    **TASK_LIST,
    **PICTURE,
    **PROMPTS,
    **SECOND_FACTOR,
    **SHELL,
    **SIGN_IN,
    **VIDEOS,
}
