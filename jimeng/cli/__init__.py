"""Commands: ``flask --help`` lists them."""

import click
from flask import Flask

from jimeng.cli import (
    backup,
    costs,
    doctor,
    prices,
    provider,
    queue,
    release,
    retention,
    storage,
    users,
    webhooks,
)
from jimeng.config.version import COMMIT, VERSION


@click.command()
def version() -> None:
    """Show the version of jimeng, and its commit."""
    click.echo(f"jimeng {VERSION}, commit {COMMIT}")


def register(app: Flask) -> None:
    app.cli.add_command(version)
    app.cli.add_command(release.migrate)
    app.cli.add_command(release.indexes)
    app.cli.add_command(provider.simulator)
    app.cli.add_command(doctor.doctor)
    app.cli.add_command(provider.provider)
    app.cli.add_command(costs.costs)
    app.cli.add_command(prices.prices)
    app.cli.add_command(backup.backup)
    app.cli.add_command(backup.restore)
    app.cli.add_command(retention.retention)
    app.cli.add_command(queue.queue)
    app.cli.add_command(storage.storage)
    app.cli.add_command(users.group)
    app.cli.add_command(webhooks.webhooks)
