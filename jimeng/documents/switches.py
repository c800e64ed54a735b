"""What an operator can switch off, for all processes at once."""

from mongoengine.fields import DateTimeField, StringField

from jimeng.documents.base import Stored


class Switch(Stored):
    """
    A part of the work that is paused; no record means that it goes on.

    Attributes:
        id: ``intake``, ``sending`` or ``webhooks``.
        paused_at: Since when.
        by: The id of who paused it.
    """

    id = StringField(primary_key=True)
    paused_at = DateTimeField(required=True)
    by = StringField(required=True)

    meta = {"collection": "switches"}
