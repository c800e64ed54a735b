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
expected-statuses = [400, 403, 404, 405, 409, 413, 414, 415, 421, 422, 429, "5xx"]
"""
SEED = "20250101"
PATIENCE = 1200.0  # seconds


@pytest.fixture(scope="module")
def server(mongo: Mongo, redis_server: Redis, tmp_path_factory) -> Iterator[Stack]:
    """The product, apart from the one that other tests wait for."""
    made = Stack(
        tmp_path_factory.mktemp("contract"),
        mongo.uri,
        redis_server.url.removesuffix("/0") + "/2",
        database="jimeng_contract",
        duration=0.05,
        LOG_LEVEL="warning",
    )
    made.start_consumer()
    made.await_ready()
    yield made
    made.stop()


def test_answers_conform_to_the_description(server, tmp_path):
    """Statuses, types, headers and bodies, for good requests and bad ones."""
    (tmp_path / "schemathesis.toml").write_text(SETTINGS)
    words = ["-m", "schemathesis.cli", "run", f"{server.url}/openapi.json"]
    words += ["--checks", ",".join(CHECKS), "--phases", ",".join(PHASES)]
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
