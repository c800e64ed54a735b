"""Query parameters of lists: page size, cursor or offset, and filters."""

from marshmallow import pre_load, validates_schema

from jimeng.documents import Status
from jimeng.schemas import field_descriptions
from jimeng.schemas.fields import (
    DateTime,
    Length,
    MetadataFilter,
    OfUser,
    OneOf,
    QueryBoolean,
    QueryInteger,
    Range,
    Strict,
    StringList,
    Text,
    reject_user_with_customers,
)
from jimeng.tasks.queries import MAX_OFFSET


class ByMetadata(Strict):
    """Lists that can be filtered by metadata."""

    metadata = MetadataFilter(field_descriptions.METADATA_FILTER)

    @pre_load
    def gather(self, data, **kwargs):
        prefix = "metadata."
        pairs = {name: data[name] for name in data if name.startswith(prefix)}
        rest = {name: data[name] for name in data if name not in pairs}
        found = {name.removeprefix(prefix): value for name, value in pairs.items()}
        return {"metadata": found, **rest} if found else rest


class ByStatus(Strict):
    """Lists that can be filtered by status."""

    status = StringList(
        field_descriptions.ONLY_STATUS,
        each=Text(metadata={"enum": list(Status)}),
        validate=Length(1, len(Status)),
    )


class Filters(ByMetadata, ByStatus):
    """The filters of lists of tasks and batches."""

    created_after = DateTime(field_descriptions.CREATED_AFTER)
    created_before = DateTime(field_descriptions.CREATED_BEFORE)


class PageQuery(Strict):
    """Lists by cursor."""

    limit = QueryInteger(
        field_descriptions.LIMIT, load_default=20, validate=Range(1, 100)
    )
    cursor = Text(
        "The previous page's next_cursor, unchanged",
        validate=Length(1, 200),
    )


class UserPageQuery(PageQuery, OfUser):
    """Lists of one user, by cursor."""


class OfCustomers(UserPageQuery):
    """Lists of one user, or of the caller and all customers, by cursor."""

    customers = QueryBoolean(
        "1 or true: also those of the account's customers, of a key with act_for those "
        "that it acts for. A page looks through 1,000: it may be short and have a next "
        "one all the same",
        load_default=False,
    )

    @validates_schema
    def one_or_many(self, data: dict, **kwargs) -> None:
        reject_user_with_customers(data)


class BatchesByCursor(OfCustomers, Filters):
    """Lists of batches, by cursor."""


class ByType(Strict):
    """Lists of pictures or of videos."""

    type = Text(
        "Only tasks of this type: image, video, or all of them",
        load_default="image",
        validate=OneOf("image", "video", "all"),
    )


class ByCursor(PageQuery, Filters, ByType):
    """Lists of tasks, by cursor."""

    q = Text(
        "Words the prompt must contain, separated by spaces. A page looks through "
        "1,000 tasks: it may be short and have a next one all the same",
        validate=Length(1, 200),
    )


class OwnByCursor(ByCursor):
    """The caller's tasks, by cursor."""

    customers = QueryBoolean(
        "1 or true: also the tasks of the account's customers, of a key with act_for "
        "those that it acts for. A page looks through 1,000 tasks: it may be short and "
        "have a next one all the same",
        load_default=False,
    )


class ByOffset(OfUser, ByMetadata, ByType):
    limit = QueryInteger(
        field_descriptions.LIMIT, load_default=20, validate=Range(1, 100)
    )
    # A larger offset is refused, with the URL of the list by cursor.
    offset = QueryInteger(
        field_descriptions.OFFSET,
        load_default=0,
        validate=Range(0, 10**12),
        metadata={"maximum": MAX_OFFSET},
    )
