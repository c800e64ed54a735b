"""A price that an operator has set for a model, from a moment on."""

from mongoengine.fields import DateTimeField, StringField

from jimeng.documents.base import Stored, named_index
from jimeng.documents.clock import utcnow
from jimeng.documents.decoding import DictField, ListField
from jimeng.documents.ids import new_id


class PriceRow(Stored):
    """
    The price of one unit of a model's output.

    Rows are never edited: one with a later `valid_from` supersedes those before, and
    only a row that is not in force yet is ever removed. So the rows say for good what
    an output cost at any time in the past.

    Attributes:
        account: The account that pays this price; absent: all without their own.
        unit: ``picture``, ``second`` or ``million_tokens``.
        steps: ``micros``, and what they are for: ``up_to`` (pixels), or ``resolution``
            and ``sound``. The first that covers an output applies; the last covers all.
        by: The id of the user who set it.
    """

    id = StringField(primary_key=True, default=new_id("price_"))
    lane = StringField(required=True)
    account = StringField()
    unit = StringField(default="picture")
    steps = ListField(DictField(), required=True)
    valid_from = DateTimeField(required=True)
    by = StringField(required=True)
    created_at = DateTimeField(default=utcnow)

    meta = {
        "collection": "prices",
        "indexes": [named_index("from", "lane", "account", "valid_from", unique=True)],
    }
