"""How long health and metrics wait for a database that is away."""

import pytest

from jimeng.documents import connection
from jimeng.monitoring import readiness


@pytest.fixture
def soon_away(monkeypatch) -> None:
    """It is given up sooner than usual."""
    monkeypatch.setattr(connection, "WEB_TIMEOUT", 0.3)
    monkeypatch.setattr(readiness, "MAX_CHECK_S", 0.3)
