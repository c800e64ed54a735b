"""
Messages of all error codes: what happened, and what to do.

``error.<code>`` is for a request or a picture that failed.
"""

from jimeng.i18n.errors.access import ACCESS
from jimeng.i18n.errors.openai import OPENAI
from jimeng.i18n.errors.pictures import PICTURES
from jimeng.i18n.errors.requests import REQUESTS

ERRORS: dict[str, tuple[str, str]] = {**REQUESTS, **ACCESS, **PICTURES, **OPENAI}
