"""``flask costs``: decide about unknown charges, and rebuild the sums of costs."""

import click
from flask.cli import with_appcontext

from jimeng import operations
from jimeng.billing import settlement
from jimeng.billing.costs import yuan
from jimeng.cli.databases import OPERATOR, databases
from jimeng.documents.principal import recorded


@click.group()
def costs() -> None:
    """Decide about unknown charges, and rebuild the sums of costs."""


@costs.command()
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 10_000))
@with_appcontext
def unknown(limit: int) -> None:
    """Print the pictures that may or may not have been charged, newest first."""
    with databases():
        found = operations.costs.undecided(OPERATOR, limit=limit)
    for each in found:
        price = "–" if each.price_micros is None else f"¥{yuan(each.price_micros)}"
        at = f"{each.ended_at:%Y-%m-%d %H:%M}Z" if each.ended_at else "–"
        names = " ".join(each.remote_ids) or "–"
        click.echo(f"{each.id}  {at}  {price}  {each.of_account}  {names}")
    click.echo(f"unknown: {len(found)}")


@costs.command()
@click.argument("picture_id", metavar="PICTURE")
@click.argument("charged", type=click.Choice(["yes", "no"]))
@with_appcontext
def decide(picture_id: str, charged: str) -> None:
    """
    Say whether the provider CHARGED for PICTURE, an id that `unknown` prints.

    Its cost counts on the day of its request, whenever that was.
    """
    with databases():
        operations.costs.decide(OPERATOR, picture_id, charged == "yes")
    click.echo(f"charged: {charged}")


@costs.command()
@with_appcontext
def rebuild() -> None:
    """Compute the sums of costs from the ledger; correct those that differ."""
    with databases():
        try:
            with recorded(OPERATOR, "costs.rebuild") as outcome:
                found = settlement.rebuild()
                outcome |= {"sums": found.sums, "corrected": found.corrected}
        except settlement.SettlerBusy as error:
            raise click.ClickException(f"{error}; try again") from error
    click.echo(f"sums: {found.sums}")
    click.echo(f"corrected: {found.corrected}")
