"""The checks of `flask doctor`, in order."""

from collections.abc import Callable, Iterator

from pymongo.errors import PyMongoError

from jimeng.cli.checks import accounts, databases, external, machine, server
from jimeng.cli.checks.databases import TIMEOUT_S, why_away
from jimeng.cli.checks.external import advice_on_probe
from jimeng.cli.checks.finding import Finding, Verdict
from jimeng.config import Config

Check = Callable[[Config], Iterator[Finding]]

MACHINE: tuple[Check, ...] = (
    machine.release,
    machine.own_disk,
    machine.pictures_disk,
    machine.file_descriptors,
)
# Each check, and whether it needs MongoDB: without it there is one finding, not five.
CHECKS: tuple[tuple[Check, bool], ...] = (
    (databases.mongodb, True),
    (databases.redis, False),
    (databases.schema, True),
    (databases.indexes_built, True),
    (databases.storage, True),
    (databases.videos, True),
    (databases.last_backup, True),
    (server.readiness_reasons, True),
    (server.waiting_clients, False),
    (server.webhook_attempts, True),
    (machine.database_disk, True),
    *((check, False) for check in MACHINE),
    (accounts.refusals, True),
    (external.models, False),
    (accounts.accounts, True),
    (accounts.limits, True),
    (accounts.budgets, True),
    (accounts.unpriced, True),
    (accounts.customers, True),
    (external.clock, False),
    (external.public_url, False),
)


def examine(config: Config) -> Iterator[Finding]:
    """
    Check everything that a server with these settings needs. Problems are findings, not
    exceptions. Costs nothing at any provider.

    Args:
        config: The settings; the databases are already connected.
    """
    yield from server.settings(config)
    has_mongodb = True
    for check, needs_mongodb in CHECKS:
        if needs_mongodb and not has_mongodb:
            continue
        try:
            for finding in check(config):
                fails = finding.status is Verdict.FAILED
                has_mongodb = has_mongodb and not (fails and finding.check == "mongodb")
                yield finding
        except PyMongoError as error:
            has_mongodb = False
            yield databases.away(error)


def examine_machine(config: Config) -> Iterator[Finding]:
    """Check this machine, where no database runs."""
    for check in MACHINE:
        yield from check(config)


__all__ = [
    "Finding",
    "Verdict",
    "advice_on_probe",
    "examine",
    "examine_machine",
    "why_away",
]
