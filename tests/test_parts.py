"""What `make test` needs is the same everywhere, also on a machine that is busy."""

import re
import subprocess
import sys
from pathlib import Path

from jimeng import jobs
from tests.forks import PATIENCE
from tests.order import piece
from tests.parts import is_quick
from tests.servers import SHARED

ROOT = Path(__file__).parent.parent
TESTS = """
import subprocess
import pytest

folder = __file__.rpartition("/")[0]

def start():
    subprocess.run([folder + "/curl"], check=True)

def test_starts_a_program():
    start()

@pytest.mark.system
def test_may_start_it():
    start()

def test_skips_itself():
    pytest.skip("too late today")

@pytest.mark.skipif(True, reason="not today")
def test_is_skipped():
    pass

@pytest.mark.system
@pytest.mark.skipif(True, reason="not here")
def test_is_skipped_in_the_other_part():
    pass

@pytest.mark.parametrize("case", [])
def test_has_no_cases(case):
    pass
"""
MODULE = 'import pytest\n\npytest.importorskip("nowhere_to_be_found")\n'


def test_programs_and_skips_fail(tmp_path):
    """Whoever starts a program has to be marked, even where there is that program."""
    (tmp_path / "test_one.py").write_text(TESTS)
    (tmp_path / "test_two.py").write_text(MODULE)
    program = tmp_path / "curl"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    words = [sys.executable, "-m", "pytest", "-q", "-p", "tests.parts", "-rA"]
    words += ["-p", "no:schemathesis", "-p", "no:hypothesispytest", "-c", "/dev/null"]
    words += ["-o", "markers=system", "--continue-on-collection-errors", tmp_path]

    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)

    # With `CI` set, pytest adds each reason to its line.
    line = r"^([A-Z]+) \S*(test_\w+)(?:\.py|\[\S+)?(?: - .*)?$"
    assert {n: how for how, n in re.findall(line, done.stdout, re.MULTILINE)} == {
        "test_starts_a_program": "FAILED",
        "test_may_start_it": "PASSED",
        "test_skips_itself": "FAILED",
        "test_is_skipped": "ERROR",
        "test_is_skipped_in_the_other_part": "ERROR",
        "test_has_no_cases": "ERROR",
        "test_two": "ERROR",
    }, done.stdout
    assert "it has to be marked `system`" in done.stdout
    assert "too late today" in done.stdout


def test_redis_that_stalls_is_awaited(database):
    """A command that is given up and sent again may be counted twice."""
    how = jobs.huey.storage.pool.connection_kwargs
    assert how["socket_timeout"] == PATIENCE


def test_shared_servers_are_asked_in_their_pieces(request):
    """So they can end before the rest of a run, which never asks them."""
    outside = {
        item.nodeid.partition("::")[0]
        for item in request.session.items
        if not piece(item.nodeid) and SHARED & set(item.fixturenames)
    }
    assert outside == set()


def test_browser_is_left_to_test_all(request):
    """Playwright starts it: `refuse_programs` would not see it."""
    quick = [item for item in request.session.items if is_quick(item)]
    assert [item.nodeid for item in quick if "chromium" in item.fixturenames] == []
