"""Lists that come some at a time: the rows, and the way to the next ones."""

from functools import partial

from flask import Response, url_for

from jimeng.api import blp
from jimeng.http.responses import absolute, success

# What is told of every operation that answers with such a list.
lists = partial(blp.describe, headers=["Link"], pages=True)


def listed(rows: list, next_cursor: str | None, endpoint: str, **query) -> Response:
    """
    Some of a list.

    Args:
        query: What the address of *endpoint* says, but for the cursor.
    """
    headers = {}
    if next_cursor:
        pairs = query.pop("metadata", {})
        query |= {f"metadata.{name}": value for name, value in pairs.items()}
        url = absolute(url_for(endpoint, **{**query, "cursor": next_cursor}))
        headers["Link"] = f'<{url}>; rel="next"'
    return success(rows, headers=headers, next_cursor=next_cursor)
