"""``flask webhooks``: users' endpoints and their deliveries."""

from datetime import UTC, datetime

import click
from flask.cli import with_appcontext

from jimeng import operations
from jimeng.cli.databases import OPERATOR, connected
from jimeng.cli.language import message
from jimeng.documents import WebhookEndpoint
from jimeng.documents.webhook import EVENTS
from jimeng.operations.webhooks import FailingEndpoint
from jimeng.webhooks import endpoints as endpoints

MAX_SHOWN = 100  # deliveries


@click.group()
def webhooks() -> None:
    """List and change users' webhook endpoints; show and replay deliveries."""


webhook = click.argument("webhook_id", metavar="ID")


@webhooks.command("list")
@click.argument("user_id", metavar="USER")
@with_appcontext
def list_all(user_id: str) -> None:
    """Print the endpoints of USER."""
    with connected():
        for each in endpoints.page(OPERATOR, user_id).rows:
            click.echo(format_webhook(each))


@webhooks.command()
@with_appcontext
def failing() -> None:
    """Print the endpoints of all users that fail, with host and last outcome."""
    with connected():
        for each in operations.webhooks.failing(OPERATOR):
            click.echo(format_failing(each))


@webhooks.command()
@click.argument("user_id", metavar="USER")
@click.argument("url")
@click.option("--event", "events", multiple=True, help="Only this one; repeatable.")
@with_appcontext
def create(user_id: str, url: str, events: tuple[str, ...]) -> None:
    """Create an endpoint of USER at URL; print the secret, which is shown only once."""
    unknown = ", ".join({*events} - {*EVENTS})
    if unknown:
        known = ", ".join(EVENTS)
        raise click.BadParameter(f"{unknown}: not one of {known}")
    new = endpoints.NewWebhook(url, [*events])
    with connected():
        webhook, secret = endpoints.create(OPERATOR, new, user_id)
    click.echo(f"{webhook.id}\n{secret}")


@webhooks.command()
@webhook
@with_appcontext
def enable(webhook_id: str) -> None:
    """Enable a disabled endpoint."""
    with connected():
        click.echo(
            format_webhook(endpoints.change(OPERATOR, webhook_id, {"enabled": True}))
        )


@webhooks.command()
@webhook
@with_appcontext
def disable(webhook_id: str) -> None:
    """Disable an endpoint: nothing is sent until it is enabled."""
    with connected():
        click.echo(
            format_webhook(endpoints.change(OPERATOR, webhook_id, {"enabled": False}))
        )


@webhooks.command()
@webhook
@with_appcontext
def rotate(webhook_id: str) -> None:
    """Print a new secret; for 24 hours the old one signs as well."""
    with connected():
        click.echo(endpoints.rotate(OPERATOR, webhook_id)[1])


@webhooks.command()
@webhook
@with_appcontext
def test(webhook_id: str) -> None:
    """Send a test.ping once; `log` shows the result."""
    with connected():
        click.echo(endpoints.test(OPERATOR, webhook_id).id)


@webhooks.command()
@webhook
@with_appcontext
def delete(webhook_id: str) -> None:
    """Delete an endpoint, with its log and its pending deliveries."""
    with connected():
        endpoints.delete(OPERATOR, webhook_id)
    click.echo(f"deleted: {webhook_id}")


@webhooks.command()
@webhook
@with_appcontext
def log(webhook_id: str) -> None:
    """Print the latest deliveries to an endpoint, newest first."""
    with connected():
        found = endpoints.deliveries(OPERATOR, webhook_id, limit=MAX_SHOWN)
    for each in found.rows:
        about = f"{each.created_at:%Y-%m-%d %H:%M:%S}Z  {each.id}  {each.event}"
        click.echo(f"{about}  {each.subject or '-'}  {each.state}")
        for attempt in each.attempts[-1:]:
            key = f"webhook.attempt.{attempt['outcome']}"
            click.echo(f"  {message(key, status=attempt.get('status', ''))}")


@webhooks.command()
@webhook
@click.option("--since", type=click.DateTime(), required=True, help="In UTC.")
@with_appcontext
def replay(webhook_id: str, since: datetime) -> None:
    """Send all deliveries again that failed since then, 1,000 at a time."""
    with connected():
        count = endpoints.replay_failed(
            OPERATOR, webhook_id, since=since.replace(tzinfo=UTC)
        )
    click.echo(f"sent again: {count}")


def format_failing(each: FailingEndpoint) -> str:
    state = f"  disabled ({each.disabled})" if each.disabled else ""
    why = ""
    if each.outcome:
        key, status = f"webhook.attempt.{each.outcome}", each.status or ""
        why = f"  {message(key, status=status)}"
    since = f"since {each.since:%Y-%m-%d %H:%M:%S}Z"
    row = f"{each.failures} failures in a row{state}{why}"
    return f"{each.id}  {each.user_id}  {each.host}  {since}  {row}"


def format_webhook(endpoint: WebhookEndpoint) -> str:
    state = f"disabled ({endpoint.disabled})" if endpoint.disabled else "enabled"
    failures = f", {endpoint.failures} failures in a row" if endpoint.failures else ""
    return f"{endpoint.id}  {state}{failures}  {endpoint.url}"
