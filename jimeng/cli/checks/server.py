"""The settings and the readiness of a server."""

from collections.abc import Iterator
from datetime import timedelta

from jimeng import lanes
from jimeng.cli.checks.finding import Finding, Verdict, graded
from jimeng.config import Config
from jimeng.errors import ConfigError
from jimeng.http import waiters
from jimeng.http.auth import require_access
from jimeng.monitoring import readiness
from jimeng.webhooks import deliveries

# Reasons that have a more detailed check of their own.
ELSEWHERE = {
    *("mongodb", "redis", "disk", "storage", "no_provider"),
    *("release_too_old", "index_missing"),
}
# Advice for switches that were paused automatically.
PAUSED = {
    lanes.BY_DISK: "doctor.paused_by_disk",
    lanes.BY_RESTORE: "doctor.paused_by_restore",
}


def settings(config: Config) -> Iterator[Finding]:
    """A server would start with these settings; `make run` supplies missing ones."""
    if not config.MONGODB_URI:
        return
    try:
        require_access(config)
    except ConfigError as error:
        yield Finding("settings", Verdict.WARNING, str(error), "doctor.settings")
        return
    yield Finding("settings", Verdict.OK)


def waiting_clients(config: Config) -> Iterator[Finding]:
    """The web processes poll for the clients that wait in them."""
    found = waiters.read()
    for each in found:
        if each.is_late:
            facts = f"{each.process}: {each.count}, no poll for {each.poll_age_s:.0f} s"
            yield Finding("waiters", Verdict.FAILED, facts, "doctor.watcher_stuck")
    if not any(each.is_late for each in found):
        yield Finding("waiters", Verdict.OK, str(sum(each.count for each in found)))


def webhook_attempts(config: Config) -> Iterator[Finding]:
    """At least half of the latest attempts to deliver webhooks have succeeded."""
    if not config.SECRET_KEY:  # else there are none
        return
    failed, attempts = deliveries.count_recent()
    minutes = deliveries.RECENT // timedelta(minutes=1)
    facts = f"{failed} of {attempts} attempts failed within {minutes} minutes"
    is_worse = (2 * failed > attempts, Verdict.WARNING, "doctor.webhooks_fail")
    yield graded("webhooks", facts, is_worse)


def readiness_reasons(config: Config) -> Iterator[Finding]:
    """The queue is processed, and workers are alive."""
    answer = readiness.run_checks()
    reasons = [each for each in answer.reasons if each.code not in ELSEWHERE]
    for each in reasons:
        named = ", ".join(each.names) or each.code
        yield Finding("queue", Verdict.FAILED, named, f"ready.{each.code}")
    paused = lanes.paused(fresh=True) if answer.paused else {}
    for name, switch in paused.items():
        advice = PAUSED.get(switch.by, "doctor.paused")
        yield Finding("queue", Verdict.WARNING, f"{name} is paused", advice)
    if not reasons and not paused:
        yield Finding("queue", Verdict.OK)
