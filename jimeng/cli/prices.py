"""``flask prices``: what the models cost, and from when on."""

import click
from flask.cli import with_appcontext

from jimeng import operations
from jimeng.cli.databases import OPERATOR, connected
from jimeng.operations.prices import PER, NewPrice, PriceEntry, price_text
from jimeng.providers.models.model import PICTURE


@click.group()
def prices() -> None:
    """List, set and remove the prices of models."""


@prices.command("list")
@with_appcontext
def list_all() -> None:
    """Print the current and future prices of each model."""
    with connected():
        found = operations.prices.price_list(OPERATOR)
    for entry in found.entries:
        click.echo(format_price(entry))


@prices.command()
@click.argument("model")
@click.argument("yuan")
@click.option("--account", default="", help="Only for this account; default: all.")
@click.option("--from", "day", default="", help="A day, 2026-12-01; default: at once.")
@click.option("--up-to", default="", help="Pixels up to which YUAN holds.")
@click.option("--above", default="", help="Yuan for larger pictures.")
@click.option("--other", "others", multiple=True, help="Of videos: 1080p+silent=51.")
@with_appcontext
def add(model: str, yuan: str, others: tuple[str, ...], **options: str) -> None:
    """
    Set the price of one picture of MODEL, in YUAN such as 0.22; or of one second or a
    million tokens of a video.

    It holds from the start of a day in BILLING_TIMEZONE, else in a minute. Costs that
    are settled do not change.
    """
    with connected():
        new = NewPrice(model=model, yuan=yuan, others=" ".join(others), **options)
        row = operations.prices.add(OPERATOR, new)
    click.echo(f"{row.id}  from {row.valid_from:%Y-%m-%d %H:%M:%S}Z")


@prices.command()
@click.argument("price_id", metavar="ID")
@with_appcontext
def remove(price_id: str) -> None:
    """Remove a price that is not in force yet; `list` prints the ids."""
    with connected():
        operations.prices.remove(OPERATOR, price_id)
    click.echo(f"removed: {price_id}")


def format_price(entry: PriceEntry) -> str:
    price = price_text(entry.price.by_size) if entry.price else "unknown"
    if entry.price and entry.model.unit != PICTURE:
        price += f" per {PER[entry.model.unit]}"
    said = f"{entry.model.id}  {entry.account or 'all accounts'}  {price}"
    if entry.row is None:
        return f"{said}  {entry.price.id.partition(':')[0]}" if entry.price else said
    return f"{said}  from {entry.row.valid_from:%Y-%m-%d %H:%M:%S}Z  {entry.row.id}"
