"""``flask indexes``: build the database's indexes, and name what is in their way."""

import sys

import click
import pymongo
from flask.cli import with_appcontext

from jimeng.cli.databases import databases
from jimeng.documents import indexes as declared_indexes
from jimeng.documents.duplicates import duplicates

MAX_SEARCH_S = 3600.0  # for the duplicates of one index


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

    Where documents have in common what only one may have, a unique index cannot be
    built, and what rests on it is refused: they are named here. The exit status is 1
    while an index is missing.
    """
    with databases():
        faults = declared_indexes.build(replace_unique=replace)
        for label, fault in faults.items():
            click.echo(f"{label}: {fault}")
            index = declared_indexes.declared()[label]
            if not index.is_unique:
                continue
            with pymongo.timeout(MAX_SEARCH_S):
                for each in duplicates(index):
                    click.echo(f"  duplicates: {', '.join(map(str, each.ids))}")
    if faults:
        sys.exit(1)
    click.echo("indexes: ok")
