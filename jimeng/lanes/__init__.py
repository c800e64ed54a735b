"""
Lanes: who is sent next, how many at a time, and how long that will take.

A lane is one provider's model; the provider draws a limited number of pictures in
it at a time. A slot is a number on the generation under a unique index, taken
with the claim and given back with the end. A turn is a user's place: each further
picture of the same user comes one turn later, which is round-robin over users.
`jobs`, `limits`, `tasks`, `batches`, `operations`, `backup`, `cli`, `doctor` and
`monitoring` may import it.
"""

from jimeng.lanes.ahead import (
    Spread,
    expected_duration,
    queue,
    record_duration,
    slow_duration,
    spread,
    waiting_by_user,
)
from jimeng.lanes.claims import (
    STARTING_LEASE,
    claim,
    free_slots,
    give_back,
    openings,
)
from jimeng.lanes.record import (
    ChannelState,
    accepted,
    back_off,
    backs_off,
    calm,
    is_calm,
    is_resting,
    limit_in,
    limit_of,
    read,
    read_all,
    read_channels,
    reset,
    rest,
)
from jimeng.lanes.slots import (
    Channel,
    Slot,
    channels_of,
    count_generating,
    held_by_others,
    held_by_unknown,
    parted,
    slots_taken_in,
)
from jimeng.lanes.stalls import stalled
from jimeng.lanes.switches import NO_WORKER, PAUSED, why_held
from jimeng.lanes.turns import (
    DailyQuota,
    DayIsFull,
    Place,
    leave,
    leave_all,
    renumber,
    take_turns,
)
