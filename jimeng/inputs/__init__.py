"""
Input pictures: uploads, references in requests, and storing them.

Each function takes the `Principal` of the request; another user's inputs are reported
as not found.
"""

from jimeng.inputs.provider_links import open_link
from jimeng.inputs.references import Named, Reference, find_inputs, references_of
from jimeng.inputs.storing import discard, mark_used, store_all, stored_references
from jimeng.inputs.uploads import (
    content_of,
    delete,
    delete_all,
    find,
    page,
    upload,
    upload_once,
)
