"""Fixtures of the operator's pages."""

import pytest

from tests.access.conftest import built_closed, closed, secured  # noqa: F401
from tests.admin.pages import fail


@pytest.fixture
def failed(client, provider, work_off):
    """Makes a task whose pictures fail as told, and returns its id."""
    return lambda *refusals, **fields: fail(
        client, provider, work_off, *refusals, **fields
    )
