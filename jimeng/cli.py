"""Commands: ``flask --help`` lists them."""

import click
from flask import Flask

from jimeng import documents


def register(app: Flask) -> None:
    app.cli.add_command(indexes)
    app.cli.add_command(simulator)


@click.command()
def indexes() -> None:
    """Create the database's indexes; run before the first start of a release."""
    documents.ensure_indexes()
    click.echo("indexes: ok")


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), required=True)
@click.option("--access-key", envvar="VOLCENGINE_ACCESS_KEY", required=True)
@click.option("--secret-key", envvar="VOLCENGINE_SECRET_KEY", required=True)
@click.option("--limit", type=click.IntRange(1, 1000), default=2, show_default=True)
@click.option("--duration", type=float, default=3.0, show_default=True, help="Seconds.")
@click.option("--sigma", type=float, default=0.0, help="Spread, log-normal.")
@click.option("--state", default=":memory:", help="A file, to outlive a restart.")
def simulator(
    port: int,
    access_key: str,
    secret_key: str,
    limit: int,
    duration: float,
    sigma: float,
    state: str,
) -> None:
    """Run Volcengine on this machine: same protocol, demo pictures, no charges."""
    from jimeng.simulator import run

    run(
        port,
        access_key,
        secret_key,
        limit=limit,
        duration=duration,
        sigma=sigma,
        state=state,
    )
