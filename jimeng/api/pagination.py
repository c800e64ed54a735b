"""Pagination: a page of rows, with the next page in ``Link`` and ``next_cursor``."""

from functools import partial

from flask import Response, request, url_for

from jimeng.api import blp
from jimeng.http.responses import absolute, success

# Documents every operation that returns a page.
describe_list = partial(blp.describe, headers=["Link"], pages=True)


def page_response(rows: list, next_cursor: str | None) -> Response:
    """A response with a page of rows; the next page is the same request's."""
    headers = {}
    if next_cursor:
        query: dict = {**request.args.to_dict(flat=False), "cursor": next_cursor}
        where = request.view_args or {}
        url = absolute(url_for(request.endpoint or "", **where, **query))
        headers["Link"] = f'<{url}>; rel="next"'
    return success(rows, headers=headers, next_cursor=next_cursor)
