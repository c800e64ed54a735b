"""The queries of lists: how many of them, and from where on."""

from jimeng.documents import Status
from jimeng.schemas import OfUser, Strict
from jimeng.schemas.fields import Between, Digits, Long, Text
from jimeng.tasks.reading import MOST_OFFSET


class Some(Strict):
    """Of lists by cursor."""

    limit = Digits(load_default=20, validate=Between(1, 100))
    cursor = Text(validate=Long(1, 200))


class SomeOfUser(Some, OfUser):
    """The same of lists that are a user's."""


class ByCursor(Some):
    """The same of tasks."""

    status = Text(metadata={"enum": list(Status)})
    q = Text(validate=Long(1, 200))


class ByOffset(OfUser):
    limit = Digits(load_default=20, validate=Between(1, 100))
    # Beyond it is refused with the address of the list by cursor.
    offset = Digits(
        load_default=0, validate=Between(0, 10**12), metadata={"maximum": MOST_OFFSET}
    )
