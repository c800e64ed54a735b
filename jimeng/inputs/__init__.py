"""
Pictures that users give: taken in, looked at, and named by tasks.

Every function takes the `Principal` that asks; what is not theirs is as if it had never
been.
"""

from jimeng.inputs.provider_links import fetched
from jimeng.inputs.references import Named, Reference, again, look_up
from jimeng.inputs.storing import discard, name, take_in, written
from jimeng.inputs.uploads import (
    content_of,
    delete,
    delete_all,
    find,
    upload,
    upload_once,
)
