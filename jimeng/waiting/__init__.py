"""
Those who wait for a task, each in a thread of the server, and never in all of them.

The doors and `serve` may import it; it knows no Flask.
"""

from jimeng.waiting.room import (
    close,
    is_gone,
    open_room,
    place,
    place_for_events,
    turns,
    wait_for_end,
)
