"""``flask backup`` and ``flask restore``: back up everything, and restore it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from flask.cli import ScriptInfo, with_appcontext

from jimeng import jobs
from jimeng.cli.databases import OPERATOR, databases
from jimeng.documents.principal import recorded
from jimeng.operations import backup as copies
from jimeng.pictures.stores import StoreSize, overview

RESUME = "queue resume"


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--keep",
    type=click.IntRange(min=1),
    help="Where FILE is a directory: remove older ones beyond so many from it.",
)
@click.option(
    "--without-pictures",
    is_flag=True,
    help="Leave out those in a directory or bucket, which has a backup of its own.",
)
@with_appcontext
def backup(file: Path, keep: int | None, without_pictures: bool) -> None:
    """
    Write everything to FILE, while jimeng runs: accounts, tasks, pictures.

    If FILE is a directory, the file in it is named by the time; for timers, with
    --keep. FILE appears only when it is complete, and older ones are removed after
    that. Keep it safe and secret; sessions are not in it. It contains the pictures of
    all stores, each verified by its stored SHA-256.
    """
    directory = file if file.is_dir() else None
    if directory:
        file = copies.path_of_now(directory)
    elif keep:
        raise click.UsageError(f"--keep needs a directory, which {file} is not")
    with clear_errors(file), databases(), recorded(OPERATOR, "backup.write"):
        written = copies.dump(file, progress, with_pictures=not without_pictures)
        outside = outside_of_mongodb() if without_pictures else []
    click.echo(f"written: {file} ({file.stat().st_size / 2**20:.1f} MiB)")
    for each in outside:
        click.echo(f"not in it: {each.files} files; copy {each.where} now, as well")
    if written.damaged:
        click.echo(
            f"damaged, and not in it: {written.damaged} files; the log names them"
        )
    if directory and keep:
        with clear_errors(directory):
            removed = copies.remove_old(directory, keep=keep)
        click.echo(f"older ones removed: {removed}")


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@with_appcontext
def restore(file: Path) -> None:
    """
    Load FILE into an empty database.

    Nothing is paid for twice: pictures that were not yet accepted when FILE was written
    end as failed, since they may have been sent meanwhile, and nothing is sent until
    `flask queue resume sending`. Webhooks, which the original may still send, are
    paused until `flask queue resume webhooks`.
    """
    with clear_errors(file), databases():
        manifest, ended = copies.restore(file, progress)
        with recorded(OPERATOR, "backup.restore") as outcome:
            outcome["pictures"] = ended
    click.echo(f"restored: as it was at {manifest.created_at}, by {manifest.release}")
    for name in copies.without_bytes(manifest):
        click.echo(f"not in the file: the pictures of {name}; bring them back")
    click.echo(f"pictures that may have been sent since, and were ended: {ended}")
    app = click.get_current_context().ensure_object(ScriptInfo).app_import_path
    command = f"flask --app {app} {RESUME}" if app else f"flask {RESUME}"
    click.echo(f"sending is paused; once all is well: {command} sending")
    click.echo(f"webhooks are paused; once all is well: {command} webhooks")


def outside_of_mongodb() -> list[StoreSize]:
    """The stores outside MongoDB that contain files, which a backup may leave out."""
    both = (jobs.runtime().store, jobs.runtime().inputs)
    holdings = [each for store in both for each in overview(store)]
    return [each for each in holdings if each.kind != "gridfs" and each.files]


def progress(name: str, count: int) -> None:
    click.echo(f"{name}: {count}", err=True)


@contextmanager
def clear_errors(file: Path) -> Iterator[None]:
    """Turn errors of the backup file into one-line messages."""
    try:
        yield
    except (copies.Damaged, copies.NotEnoughSpace, copies.NotEmpty) as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(
            f"{error.filename or file}: {error.strerror}"
        ) from error
