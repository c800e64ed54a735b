"""
Schemathesis: made-up requests, each answered as the API's description says.

`make contract` sends many more (`CONTRACT_EXAMPLES`).
"""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from jimeng.embedded import Mongo, Redis
from tests.system import people
from tests.system.stack import Stack

pytestmark = pytest.mark.system

CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "negative_data_rejection",
    "use_after_free",
    "ensure_resource_availability",
]
EXAMPLES = int(os.environ.get("CONTRACT_EXAMPLES", "4"))
# The systematic cases are some thousands: for `make contract` alone.
PHASES = ["examples", "fuzzing"]
if EXAMPLES > 50:
    PHASES += ["coverage", "stateful"]
# What may answer a bad request; 421 is a foreign name in Host.
SETTINGS = """
[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 409, 413, 414, 415, 421, 422, 429, "5xx"]
"""
SEED = "20250101"
PATIENCE = 1200.0  # seconds


@pytest.fixture(scope="module", params=["open", "user", "admin"])
def server(
    request, mongo: Mongo, redis_server: Redis, tmp_path_factory
) -> Iterator[tuple[Stack, list[str]]]:
    """
    The product, apart from the one that other tests wait for: without sign-in, or
    with the key of a user or of an admin; and the arguments that go with it.
    """
    role = request.param
    access = {} if role == "open" else people.SIGN_IN
    made = Stack(
        tmp_path_factory.mktemp("contract"),
        mongo.uri,
        redis_server.url.removesuffix("/0") + "/2",
        database=f"jimeng_contract_{role}",
        duration=0.05,
        USER_SUBMISSIONS_PER_MINUTE="100000",  # so that there is something to say
        USER_DAILY_QUOTA="100000",
        LOG_LEVEL="warning",
        **access,
    )
    made.start_consumer()
    made.await_ready()
    key: list[str] = []
    if access:
        somebody = people.make(made, f"{role}@example.com", role=role)
        key = ["--header", f"Authorization: Bearer {somebody.key}"]
    yield made, key
    made.stop()


def test_answers_conform_to_the_description(server, tmp_path):
    """Statuses, types, headers and bodies, for good requests and bad ones."""
    server, key = server
    (tmp_path / "schemathesis.toml").write_text(SETTINGS)
    words = ["-m", "schemathesis.cli", "run", f"{server.url}/openapi.json"]
    words += key
    checks = [*CHECKS, *(["ignored_auth"] if key else [])]
    words += ["--checks", ",".join(checks), "--phases", ",".join(PHASES)]
    words += ["--max-examples", str(EXAMPLES), "--seed", SEED]
    words += ["--generation-database", "none", "--continue-on-failure", "--no-color"]
    words += ["--request-timeout", "10", "--workers", "2"]

    done = subprocess.run(
        [sys.executable, *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )

    print(done.stdout)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
    assert "Traceback" not in server.log("web")
