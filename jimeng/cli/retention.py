"""``flask retention``: preview what the retention limits would delete."""

import click
from flask import current_app
from flask.cli import with_appcontext

from jimeng.cli.databases import databases
from jimeng.config import Config
from jimeng.jobs.retention import GIB, count_surplus


@click.command()
@click.option("--days", type=click.IntRange(0), help="Instead of KEEP_DAYS.")
@click.option("--gib", type=click.FloatRange(0), help="Instead of KEEP_GIB.")
@with_appcontext
def retention(days: int | None, gib: float | None) -> None:
    """
    Print what KEEP_DAYS and KEEP_GIB would delete now; nothing is changed.

    Favourites and pictures that are shared or in collections are always kept. A limit
    takes effect when it is set and the workers are restarted.
    """
    config: Config = current_app.config["JIMENG"]
    with databases():
        found = count_surplus(
            config.KEEP_DAYS if days is None else days,
            config.KEEP_GIB if gib is None else gib,
        )
    click.echo(f"pictures: {found.pictures}")
    click.echo(f"size: {found.bytes / GIB:.2f} GiB")
    if found.until:
        click.echo(f"the youngest came at: {found.until.isoformat()}")
