"""
Lanes: who is sent next, how many at a time, and how long that will take.

A lane is one provider's model; the provider draws a limited number of pictures in
it at a time. A slot is a number on the generation under a unique index, taken
with the claim and given back with the end. A turn is a user's place: each further
picture of the same user comes one turn later, which is round-robin over users.
"""

from jimeng.lanes.claims import (
    STARTING_LEASE,
    claim,
    free_slots,
    openings,
    release_slot,
)
from jimeng.lanes.limits import (
    ChannelState,
    accepted,
    back_off,
    back_off_polling,
    backs_off,
    is_account_suspended,
    is_polling_backed_off,
    limit_in,
    limit_of,
    read,
    read_account_lanes,
    read_all,
    reset,
    suspend_account,
)
from jimeng.lanes.queue_position import (
    Spread,
    expected_duration,
    queue,
    record_duration,
    slow_duration,
    spread,
    waiting_by_user,
)
from jimeng.lanes.slots import (
    AccountLane,
    Slot,
    account_lanes_of,
    count_generating,
    parted,
    slots_used_by_unknown,
    slots_used_elsewhere,
    used_slots_in,
)
from jimeng.lanes.stalls import stalled
from jimeng.lanes.switches import NO_WORKER, PAUSED, why_held
from jimeng.lanes.tickets import (
    DailyQuota,
    DayIsFull,
    TicketHolder,
    release_all_tickets,
    release_tickets,
    renumber,
    reserve_tickets,
)
