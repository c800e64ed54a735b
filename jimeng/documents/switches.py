"""Switches by which an operator pauses parts of the work, for all processes."""

from mongoengine.fields import DateTimeField, StringField

from jimeng.documents.base import Stored


class Switch(Stored):
    """
    A part of the work that is paused; without a record it is running.

    Attributes:
        id: ``intake``, ``sending`` or ``webhooks``.
        paused_at: When it was paused.
        by: The id of the user who paused it.
    """

    id = StringField(primary_key=True)
    paused_at = DateTimeField(required=True)
    by = StringField(required=True)

    meta = {"collection": "switches"}
