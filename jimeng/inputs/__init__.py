"""
Input pictures: uploads, references in requests, and storing them.

Each function takes the `Principal` who asks; inputs of other users do not exist for
them.
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
