"""``flask storage``: list the stores of pictures, and move files between them."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
from flask.cli import with_appcontext
from mongoengine import get_db
from pymongo.database import Database

from jimeng import jobs
from jimeng.cli.databases import OPERATOR, databases
from jimeng.documents import operation_timeout, utcnow
from jimeng.documents.principal import recorded
from jimeng.pictures.stores import (
    ConfiguredStore,
    CopyDiffers,
    FileTooLarge,
    Store,
    move,
    overview,
)
from jimeng.pictures.stores.moving import FUTURE, Named
from jimeng.upkeep.input_cleanup import file_ids_of_inputs
from jimeng.upkeep.janitor import file_ids_of_images

MIB = 2**20
PROGRESS_EVERY = 100  # files
MAX_NAMED = 5  # remaining files that are listed
MAX_COMPACT_S = 6 * 3600.0  # of all collections


@click.group()
def storage() -> None:
    """Show where pictures are stored, and move them."""


@storage.command()
@with_appcontext
def show() -> None:
    """Print the content of each store, that of STORAGE first."""
    with databases():
        for what, store, _ in stores():
            for each in overview(store):
                size = f"{each.bytes / MIB:.1f} MiB"
                click.echo(f"{what}: {each.kind}: {each.files} files, {size}")


@storage.command("move")
@with_appcontext
def move_all() -> None:
    """
    Move all pictures to the store of STORAGE, while jimeng runs.

    Each file is copied, read back, compared by SHA-256, and deleted from its old store
    a minute later. An interrupted move continues when repeated. Restart all processes
    with the new STORAGE first, so that they read from both. Files that cannot be read
    stay where they are and are listed; the exit status is 1 then. Leftovers of failed
    saves and moves are deleted if the picture is intact elsewhere.
    """
    with databases(), clear_errors(), recorded(OPERATOR, "storage.move") as outcome:
        count = size = 0
        for what, store, named in stores():
            if not isinstance(store, ConfiguredStore):
                continue
            for length in move(store, named):
                count, size = count + 1, size + length
                if count % PROGRESS_EVERY == 0:
                    click.echo(f"{what}: {count} files", err=True)
        outcome["files"] = count
    click.echo(f"moved: {count} files, {size / MIB:.1f} MiB")
    with databases():
        remaining = list(remaining_files())
    for line in remaining:
        click.echo(line)
    sys.exit(1 if remaining else 0)


@storage.command()
@with_appcontext
def compact() -> None:
    """
    Have MongoDB give the disk space of deleted pictures and records back.

    By itself it keeps that for new ones. jimeng may go on running; on a replica set
    this compacts the primary only, since each member has files of its own.
    """
    with databases(), recorded(OPERATOR, "storage.compact") as outcome:
        database = get_db()
        with operation_timeout(MAX_COMPACT_S):  # other operations go on meanwhile
            before = stored_bytes(database)
            for name in database.list_collection_names(filter={"type": "collection"}):
                # Without it the primary of a replica set refuses.
                database.command({"compact": name, "force": True})
            freed = max(before - stored_bytes(database), 0)
        outcome["bytes"] = freed
    click.echo(f"given back: {freed / MIB:.1f} MiB")


def stored_bytes(database: Database) -> int:
    """What the collections and their indexes take on the disk."""
    stats = database.command("dbStats")
    return int(stats["storageSize"] + stats["indexSize"])


def remaining_files() -> Iterator[str]:
    """A message for each store that should be empty by now and is not."""
    for what, store, _ in stores():
        for each in store.others if isinstance(store, ConfiguredStore) else []:
            if not (count := each.count()):
                continue
            found = each.saved_before(utcnow() + FUTURE, after=None, limit=MAX_NAMED)
            names = ", ".join(dict.fromkeys(filter(None, found.values())))
            yield (
                f"not moved: {what}: {each.kind}: {count} files, which are missing or "
                f"damaged there, or were added meanwhile (such as of {names}). If a "
                "backup of it has them, restore them; then move again."
            )


def stores() -> list[tuple[str, Store, Named]]:
    """Each store, with the name of its content and the query of referenced files."""
    runtime = jobs.runtime()
    return [
        ("outputs", runtime.store, file_ids_of_images),
        ("inputs", runtime.inputs, file_ids_of_inputs),
    ]


@contextmanager
def clear_errors() -> Iterator[None]:
    """Turn errors of files into one-line messages."""
    try:
        yield
    except (CopyDiffers, FileTooLarge) as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"pictures: {error.strerror}") from error
