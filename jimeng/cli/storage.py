"""``flask storage``: where the bytes of pictures are, and moving them."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
from flask.cli import with_appcontext

from jimeng import jobs
from jimeng.cli.databases import OPERATOR, databases
from jimeng.documents import utcnow
from jimeng.documents.principal import recorded
from jimeng.jobs.input_cleanup import file_ids_of_inputs
from jimeng.jobs.janitor import file_ids_of_images
from jimeng.pictures.stores import Chosen, NotTheSame, Store, move, overview
from jimeng.pictures.stores.moving import FUTURE, Named

MIB = 2**20
EVERY = 100  # files from one line to the next
MAX_NAMED = 5  # files that are left


@click.group()
def storage() -> None:
    """See where pictures are kept, and move them."""


@storage.command()
@with_appcontext
def show() -> None:
    """Print what each store holds; that which STORAGE names comes first."""
    with databases():
        for what, store, _ in stores():
            for each in overview(store):
                size = f"{each.bytes / MIB:.1f} MiB"
                click.echo(f"{what}: {each.kind}: {each.files} files, {size}")


@storage.command("move")
@with_appcontext
def move_all() -> None:
    """
    Move all pictures to the store that STORAGE names, while jimeng runs.

    Each is copied, read back, compared by SHA-256, and a minute later deleted where it
    was. What is cut off goes on when it is repeated. Restart all processes with the new
    STORAGE first, so that they look in both. What cannot be read where it is stays
    there, and is told of; the exit status is 1 then. But what a save or a move left
    behind in a store that did not answer is deleted, if its picture is whole elsewhere.
    """
    with databases(), trouble(), recorded(OPERATOR, "storage.move") as outcome:
        count = size = 0
        for what, store, named in stores():
            if not isinstance(store, Chosen):
                continue
            for length in move(store, named):
                count, size = count + 1, size + length
                if count % EVERY == 0:
                    click.echo(f"{what}: {count} files", err=True)
        outcome["files"] = count
    click.echo(f"moved: {count} files, {size / MIB:.1f} MiB")
    with databases():
        left = list(told_of_left())
    for line in left:
        click.echo(line)
    sys.exit(1 if left else 0)


def told_of_left() -> Iterator[str]:
    """Of each store that should be empty by now and is not: what is still in it."""
    for what, store, _ in stores():
        for each in store.others if isinstance(store, Chosen) else []:
            if not (count := each.count()):
                continue
            found = each.saved_before(utcnow() + FUTURE, after=None, limit=MAX_NAMED)
            names = ", ".join(dict.fromkeys(filter(None, found.values())))
            yield (
                f"left: {what}: {each.kind}: {count} files, which are gone or damaged "
                f"there, or came meanwhile (such as of {names}). If a backup of it has "
                "them, put them back; then move again."
            )


def stores() -> list[tuple[str, Store, Named]]:
    """What each holds, the store, and what says which of its files are named."""
    runtime = jobs.runtime()
    return [
        ("drawn", runtime.store, file_ids_of_images),
        ("given", runtime.inputs, file_ids_of_inputs),
    ]


@contextmanager
def trouble() -> Iterator[None]:
    """A file that is not the same, or cannot be read, is a sentence, too."""
    try:
        yield
    except NotTheSame as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"pictures: {error.strerror}") from error
