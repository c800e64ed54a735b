"""Usage: what became of a user's pictures, day by day."""

from jimeng import auth, usage
from jimeng.api import blp
from jimeng.errors.access import UserNotFound
from jimeng.schemas.fields import USER_ID
from jimeng.schemas.usage import Span, UsageRecord, span


@blp.get("/users/<user_id>/usage", tags=["users"])
@blp.arguments(Span, location="query")
@blp.response(200, UsageRecord)
@blp.describe(errors=["user_not_found"])
def show_usage(query: dict, user_id: str) -> dict:
    """
    Look at what became of a user's pictures, by day, model and outcome.

    Days are in UTC, `from` and `to` are both included, at most 366 of them; left
    out, the last 30. A picture counts for the day on which it ended, each of a task
    by itself, deleted ones too. `charged` says how many of them the provider has
    billed, as far as is known. While a long history is counted for the first time
    `complete` is false, and days are missing.
    """
    viewer = auth.viewer_of_api()
    if not USER_ID.fullmatch(user_id):
        raise UserNotFound("an id that nobody can have")
    since, until = span(**query)
    found = usage.by_day(viewer, user_id, since=since, until=until)
    return {"user_id": user_id, "since": since, "until": until, **vars(found)}
