"""Steps of videos alone: find out whether a lost one was accepted, and cancel one."""

import logging
from datetime import timedelta

from jimeng.documents import Generation, utcnow
from jimeng.documents.generation import CANNOT_STOP
from jimeng.errors import ProviderError
from jimeng.jobs import endings
from jimeng.jobs.picture import (
    SEEK_AFTER_S,
    no_answer,
    provider_of,
    record_accepted,
    request_of,
    schedule_poll,
)
from jimeng.process import broker

log = logging.getLogger(__name__)

POLL_AFTER_CANCEL = timedelta(seconds=3)
# The list may be read once a second for each account, by all workers together.
READ_EVERY_MS = 1000
RETRY_AFTER_S = 1.5
MAX_FAULTS = 20  # failed reads in a row
MAX_PAGES = 10  # of a busy account's list
MAY_READ = "return redis.call('SET', KEYS[1], 1, 'NX', 'PX', ARGV[1]) and 1 or 0"


def cancel_at_provider(generation: Generation) -> None:
    """
    Cancel what the provider has accepted, if it has not begun. Otherwise it goes on,
    and its output is stored: it is charged in any case. While that is not known, it is
    tried again instead of a poll.
    """
    try:
        is_cancelled = provider_of(generation).cancel(
            generation.remote_id or "", request_of(generation)
        )
    except ProviderError as error:
        log.warning("not cancelled id=%s code=%s: %s", generation.id, error.code, error)
        if error.transient:
            schedule_poll(generation, fault=True)
            return
        is_cancelled = False
    if is_cancelled:
        endings.cancel(generation)
        endings.free_slot(generation)
        return
    log.info("cannot be cancelled any more id=%s", generation.id)
    going_on = {"unwanted": False, "trouble": CANNOT_STOP}
    generation.release(utcnow() + POLL_AFTER_CANCEL, going_on)


def seek(generation: Generation) -> None:
    """Read a page of the list: accept what is found, or schedule the next read."""
    key = f"jimeng:seek:{generation.provider}:{generation.of_account}"
    if not broker.evaluate(MAY_READ, [key], READ_EVERY_MS):
        seek_later(generation, RETRY_AFTER_S)
        return
    page = generation.list_page or 1
    sent_at = generation.sent_at or generation.created_at
    try:
        listed = provider_of(generation).find_lost(
            request_of(generation), sent_at, page
        )
    except ProviderError as error:
        log.warning("list not read id=%s: %s", generation.id, error)
        if error.transient and generation.faults < MAX_FAULTS:
            wait_s = RETRY_AFTER_S * 2 ** min(generation.faults, 5)
            seek_later(generation, wait_s, faults=generation.faults + 1)
        else:
            endings.mark_unknown(
                generation, no_answer("the provider's list is unreadable")
            )
        return
    if listed.found is not None:
        record_accepted(generation, listed.found)
        return
    if listed.has_older and page < MAX_PAGES:
        seek_later(generation, RETRY_AFTER_S, list_page=page + 1)
        return
    if listed.has_older:
        log.warning("list too long id=%s pages=%d", generation.id, page)
    polls = generation.polls + 1
    if polls >= len(SEEK_AFTER_S):
        endings.mark_unknown(generation, no_answer("not in the provider's list"))
    else:
        wait_s = SEEK_AFTER_S[polls] - SEEK_AFTER_S[polls - 1]
        seek_later(generation, wait_s, polls=polls, list_page=1)


def seek_later(generation: Generation, wait_s: float, **changes: object) -> None:
    generation.release(utcnow() + timedelta(seconds=wait_s), changes, durable=False)
