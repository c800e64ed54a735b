"""
Pictures that users give: taken in, looked at, and named by tasks.

Every function takes the `Viewer` that asks; what is not theirs is as if it had never
been. `tasks` and whatever stands above it may import it; it knows no Flask.
"""

from jimeng.inputs.for_providers import fetched
from jimeng.inputs.keeping import discard, name, take_in, written
from jimeng.inputs.references import Named, Reference, again, look_up
from jimeng.inputs.uploads import (
    content_of,
    delete,
    delete_all,
    find,
    upload,
    upload_once,
)
