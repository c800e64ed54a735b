"""Requests that are refused leave nothing behind: nothing is cleared before them."""

import pytest


@pytest.fixture
def client(connection, built, configure, config, registry):
    """Somebody who speaks HTTP."""
    connection.restore()
    configure(config, registry)
    return built.test_client()
