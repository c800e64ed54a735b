"""
Schemathesis: made-up requests, each answered as the API's description says.

`make contract` sends many more (`CONTRACT_EXAMPLES`).
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.system import people
from tests.system.stack import Stack

pytestmark = pytest.mark.system

CHECKS = [
    *("not_a_server_error", "status_code_conformance", "content_type_conformance"),
    *("response_headers_conformance", "response_schema_conformance"),
    *("unsupported_method", "negative_data_rejection", "use_after_free"),
    *("ensure_resource_availability", "ignored_auth"),
]
USUAL = 4  # for one of three roles; one for the others
ADMINS = "^/api/v1/users"  # elsewhere an admin is a user, but for `make contract`
EXAMPLES = int(os.environ.get("CONTRACT_EXAMPLES", USUAL))
# The systematic cases are some thousands: for `make contract` alone. The description's
# examples are sent by tests/test_openapi_examples.py.
PHASES = ["fuzzing", "coverage", "stateful"] if EXAMPLES > USUAL else ["fuzzing"]
# What may answer a bad request; 421 is a foreign name in Host.
SETTINGS = """
[checks.negative_data_rejection]
expected-statuses = [
    400, 401, 403, 404, 405, 409, 413, 414, 415, 421, 422, 429, 431, "5xx"
]
"""
SEED = "20250101"
PATIENCE = 1200.0  # seconds


SERVER = {
    "duration": 0.05,
    "REQUESTS_PER_MINUTE": "1000000",
    "USER_SUBMISSIONS_PER_MINUTE": "100000",  # so that there is something to say
    "USER_DAILY_QUOTA": "100000",
    "WAIT_SECONDS": "1",  # nobody draws what is delayed for an hour
    "LOG_LEVEL": "warning",
}


@pytest.mark.parametrize("role", ["open", "user", "admin"])
def test_answers_conform_to_the_description(role, own_stack, tmp_path):
    """Statuses, types, headers and bodies, for good requests and bad ones: without
    sign-in, and with the key of a user and of an admin."""
    access = {} if role == "open" else people.SIGN_IN
    more, examples = [], EXAMPLES
    with own_stack(f"contract_{role}", **SERVER, **access) as server:
        server.start_consumer()
        server.await_ready()
        if access:
            somebody = people.make(server, f"{role}@example.com", role=role)
            more = ["--header", f"Authorization: Bearer {somebody.key}"]
            if EXAMPLES == USUAL:
                examples = 1
                more += ["--include-path-regex", ADMINS] if role == "admin" else []
        done = ask(server, tmp_path, examples, more)

    print(done.stdout)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
    assert "Traceback" not in server.log("web")


def ask(
    server: Stack, where: Path, examples: int, more: list[str]
) -> subprocess.CompletedProcess[str]:
    """Schemathesis, to its end."""
    (where / "schemathesis.toml").write_text(SETTINGS)
    words = ["-m", "schemathesis.cli", "run", f"{server.url}/openapi.json", *more]
    words += ["--checks", ",".join(CHECKS), "--phases", ",".join(PHASES)]
    words += ["--max-examples", str(examples), "--seed", SEED]
    words += ["--generation-database", "none", "--continue-on-failure", "--no-color"]
    words += ["--request-timeout", "180", "--workers", "2"]
    # A stream goes on for minutes; tests/api/test_events.py reads some.
    for each in ("follow_task", "follow_batch"):
        words += ["--exclude-operation-id", each]
    # These wait for pictures, and say by 502 and 504 what became of them;
    # tests/openai/test_generations.py holds them to what is described.
    for each in ("generate_images", "edit_images"):
        words += ["--exclude-operation-id", each]
    return subprocess.run(
        [sys.executable, *words],
        cwd=where,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
