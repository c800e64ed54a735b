"""Pagination: a page of rows, with the next page in ``Link`` and ``next_cursor``."""

from functools import partial

from flask import Response, url_for

from jimeng.api import blp
from jimeng.http.responses import absolute, success

# Documents every operation that returns a page.
describe_list = partial(blp.describe, headers=["Link"], pages=True)


def page_response(
    rows: list, next_cursor: str | None, endpoint: str, **query
) -> Response:
    """
    A response with a page of rows.

    Args:
        query: The query and path parameters of *endpoint*, without the cursor.
    """
    headers = {}
    if next_cursor:
        pairs = query.pop("metadata", {})
        query |= {f"metadata.{name}": value for name, value in pairs.items()}
        url = absolute(url_for(endpoint, **{**query, "cursor": next_cursor}))
        headers["Link"] = f'<{url}>; rel="next"'
    return success(rows, headers=headers, next_cursor=next_cursor)
