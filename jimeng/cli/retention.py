"""``flask retention``: preview what the retention limits would delete."""

import click
from flask import current_app
from flask.cli import with_appcontext

from jimeng.cli.databases import databases
from jimeng.config import Config
from jimeng.documents.kinds import VIDEO
from jimeng.upkeep import record_retention
from jimeng.upkeep.retention import GIB, count_surplus


@click.command()
@click.option("--days", type=click.IntRange(0), help="Instead of KEEP_DAYS.")
@click.option("--gib", type=click.FloatRange(0), help="Instead of KEEP_GIB.")
@click.option(
    "--video-gib", type=click.FloatRange(0), help="Instead of KEEP_VIDEO_GIB."
)
@click.option("--task-days", type=click.IntRange(0), help="Instead of KEEP_TASK_DAYS.")
@click.option(
    "--audit-days", type=click.IntRange(0), help="Instead of KEEP_AUDIT_DAYS."
)
@with_appcontext
def retention(
    days: int | None,
    gib: float | None,
    video_gib: float | None,
    task_days: int | None,
    audit_days: int | None,
) -> None:
    """
    Print what KEEP_DAYS, KEEP_GIB, KEEP_VIDEO_GIB, KEEP_TASK_DAYS and KEEP_AUDIT_DAYS
    would delete now; nothing is changed.

    Favourites and what is shared or in collections are never deleted. A limit takes
    effect when it is set and the workers are restarted.
    """
    config: Config = current_app.config["JIMENG"]
    days = config.KEEP_DAYS if days is None else days
    limits = {
        None: config.KEEP_GIB if gib is None else gib,
        VIDEO: config.KEEP_VIDEO_GIB if video_gib is None else video_gib,
    }
    task_days = config.KEEP_TASK_DAYS if task_days is None else task_days
    audit_days = config.KEEP_AUDIT_DAYS if audit_days is None else audit_days
    with databases():
        found = {kind: count_surplus(kind, days, each) for kind, each in limits.items()}
        records = record_retention.count_surplus(task_days, audit_days)
    for kind, surplus in found.items():
        if kind and not surplus.count:
            continue
        click.echo(f"{'videos' if kind else 'pictures'}: {surplus.count}")
        click.echo(f"size: {surplus.bytes / GIB:.2f} GiB")
        if surplus.until:
            click.echo(f"the youngest came at: {surplus.until.isoformat()}")
    if task_days:
        click.echo(f"tasks without pictures: {records.tasks}")
        click.echo(f"generations of deleted tasks: {records.generations}")
    if audit_days:
        click.echo(f"audit entries: {records.audit_entries}")
