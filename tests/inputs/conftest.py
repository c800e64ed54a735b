"""What the tests of pictures that go in have in common."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.inputs.host import Host


@pytest.fixture
def host(client, config, registry, configure) -> Iterator[Host]:
    found = Host()
    configure(replace(config, ALLOWED_USER_HOSTS=(found.name,)), registry)
    yield found
    found.server.shutdown()
    found.server.server_close()
