"""
Those who wait for a task, each in a thread of the server, and never in all of them.

The doors and `serve` may import it; it knows no Flask.
"""

from jimeng.waiting.clients import is_gone
from jimeng.waiting.room import (
    close,
    open_room,
    place,
    place_for_events,
    turns,
    wait_for_end,
)
