"""
What each field means, for the description of the API.

``field.<name>``, or ``field.<schema>.<name>`` where one name means two things.
"""

from jimeng.i18n.reference.service import SERVICE_FIELDS
from jimeng.i18n.reference.tasks import TASK_FIELDS
from jimeng.i18n.reference.usage import USAGE_FIELDS
from jimeng.i18n.reference.users import USER_FIELDS

_PAGE: dict[str, tuple[str, str]] = {
    "docs.title": ("即梦 API 文档", "jimeng: the API"),
    "docs.noscript": (
        "这个页面需要 JavaScript；同样的内容在 openapi.json 里",
        "This page needs JavaScript; openapi.json has the same content",
    ),
}

_ALL = {**TASK_FIELDS, **SERVICE_FIELDS, **USAGE_FIELDS, **USER_FIELDS}
REFERENCE = _PAGE | {f"field.{name}": words for name, words in _ALL.items()}
