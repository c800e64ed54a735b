"""``flask migrate`` and ``flask indexes``: bring the database to this release."""

import sys

import click
import pymongo
from flask.cli import with_appcontext

from jimeng.cli.databases import OPERATOR, databases
from jimeng.documents import indexes as declared_indexes
from jimeng.documents import migrations
from jimeng.documents.duplicates import duplicates
from jimeng.documents.migrations.steps import Step
from jimeng.documents.principal import recorded


@click.command()
@with_appcontext
def migrate() -> None:
    """
    Migrate the data to this release; run before the first start of a release.

    Web and workers of the previous release keep running meanwhile. It may be
    interrupted and run again at any time: finished steps are not repeated.
    """
    with databases():
        try:
            with recorded(OPERATOR, "schema.migrate") as outcome:
                found = migrations.run(print_step)
                outcome["schema"] = found.schema
        except (migrations.IncompatibleWorkers, migrations.TooOld) as error:
            raise click.ClickException(str(error)) from error
    click.echo(f"schema: {found.schema}")


def print_step(step: Step, is_done: bool) -> None:
    click.echo(f"step {step.number}: {step.sentence}{': done' if is_done else ''}")


SEARCH_TIMEOUT_S = 3600.0  # for the duplicates of one index


@click.command()
@click.option(
    "--replace",
    is_flag=True,
    help="Replace unique indexes that differ, too; stop web and worker first.",
)
@with_appcontext
def indexes(replace: bool) -> None:
    """
    Build the database's indexes; run before the first start of a release.

    If documents have duplicate values, a unique index cannot be built, and requests
    that depend on it are refused; the duplicates are listed. The exit status is 1 while
    an index is missing.
    """
    with databases():
        faults = declared_indexes.build(replace_unique=replace)
        for label, fault in faults.items():
            click.echo(f"{label}: {fault}")
            index = declared_indexes.declared()[label]
            if not index.is_unique:
                continue
            with pymongo.timeout(SEARCH_TIMEOUT_S):
                for each in duplicates(index):
                    click.echo(f"  duplicates: {', '.join(map(str, each.ids))}")
    if faults:
        sys.exit(1)
    click.echo("indexes: ok")
