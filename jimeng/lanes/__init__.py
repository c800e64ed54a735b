"""
Model queues: send order, concurrency limits and duration estimates.

A lane is the queue of one model of one provider, which generates a limited number of
pictures at a time. A slot is a number stored on the generation under a unique index:
acquired by the claim, released when the generation ends. A ticket is an order number
(stored as ``turn``): each further picture of a user gets the next higher ticket, which
makes the queue round-robin over users.
"""

from jimeng.lanes.claims import (
    STARTING_LEASE,
    claim,
    count_sendable,
    free_slots,
    read_lowered,
    release_slot,
)
from jimeng.lanes.limits import (
    BY_DISK,
    BY_RESTORE,
    INTAKE,
    NO_WORKER,
    PAUSED,
    PAUSED_AFTER_RESTORE,
    SENDING,
    SWITCHES,
    WEBHOOKS,
    AccountLane,
    AccountLaneState,
    account_lanes_of,
    back_off,
    back_off_polling,
    check_intake,
    clear_switch_cache,
    count_foreign_slots,
    count_generating,
    count_unreadable_slots,
    hold_reason,
    is_account_suspended,
    is_backed_off,
    is_paused,
    is_polling_backed_off,
    limit_of,
    parse_slot,
    pause,
    paused,
    read_account_lanes,
    read_lane,
    read_lanes,
    record_acceptance,
    reset_limits,
    resume,
    total_limit,
    update_lane,
    used_slots_in,
)
from jimeng.lanes.queue import (
    SAMPLES_NEEDED,
    BudgetExceeded,
    DailyQuota,
    DailyQuotaExceeded,
    TicketHolder,
    check_waiting,
    expected_duration,
    read_queue,
    recent_durations,
    record_duration,
    release_all_tickets,
    release_tickets,
    renumber,
    reserve_owner_tickets,
    reserve_tickets,
    slow_duration,
    waiting_by_user,
)
from jimeng.lanes.refusals import (
    ACCOUNT_CODES,
    Failures,
    failures_of,
    hold_reason_of,
    read_failures,
    record_answer,
    record_failure,
    refused_since,
)
from jimeng.lanes.stalls import find_stalled
