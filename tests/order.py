"""
Which tests run where, and in which order.

A process takes whole files, for what their tests share, and some of them together: what
needs the running product or a browser is four pieces of work, so that there are few of
each. Those come first, then what takes longest: no process is left with much when the
others are done.
"""

import pytest
from xdist.scheduler import LoadFileScheduling

# The files of one piece of work, by how their names begin.
PIECES = {
    "with sign-in": (
        "tests/browser/test_account.py",
        "tests/browser/test_admin",
        "tests/browser/test_create_dock.py",
        "tests/browser/test_overview.py",
        "tests/browser/test_sign_in.py",
    ),
    "making": (
        "tests/browser/test_contact_sheet.py",
        "tests/browser/test_create",
        "tests/browser/test_feed",
        "tests/browser/test_given.py",
        "tests/browser/test_harness.py",
        "tests/browser/test_words.py",
        "tests/api/test_openapi_page.py",
    ),
    "looking": ("tests/browser/",),
    "asking": (
        "tests/engines/",
        "tests/serve/test_refusals.py",
        "tests/system/test_mcp_clients.py",
        "tests/system/test_openai_clients.py",
        "tests/system/test_readme.py",
        "tests/system/test_sdks.py",
    ),
    # These parse all sources, once for all of them.
    "reading": (
        "tests/test_layers.py",
        "tests/test_private_names.py",
        "tests/test_words.py",
    ),
}
# What else takes more than some seconds, longest first.
LONG = (
    "tests/system/test_web_kills.py",
    "tests/system/test_video_kills.py",
    "tests/test_machine.py",
    "tests/system/test_degraded.py",
    "tests/contract/",
    "tests/system/test_serve.py",
    "tests/security/test_odd_ids.py",
    "tests/releases/test_unreadable.py",
    "tests/system/test_fresh_clone.py",
    "tests/system/test_chaos.py",
    "tests/system/",
    "tests/security/test_escaping.py",
    "tests/lanes/test_limit_regained.py",
    "tests/jobs/test_taken.py",
    "tests/inputs/",
    "tests/bulk/",
    "tests/batches/",
    "tests/releases/",
    "tests/access/test_walk.py",
    "tests/jobs/",
    "tests/samples/",
    "tests/storage/test_s3_troubles.py",
    "tests/security/test_decoder.py",
    "tests/security/test_audit_trail.py",
    "tests/security/test_secrets.py",
    "tests/serve/test_slow_clients.py",
    "tests/local/test_supervisor.py",
    "tests/local/test_embedded.py",
    "tests/backup/",
    "tests/storage/",
    "tests/webhooks/",
    "tests/access/",
    "tests/doctor/",
    "tests/readiness/",
    "tests/documents/test_slow_database.py",
    "tests/admin/test_audit.py",
    "tests/test_start.py",
    "tests/test_main_job.py",
)


def piece(nodeid: str) -> str | None:
    """The piece of work that a test belongs to, if it is of several files."""
    found = (name for name, files in PIECES.items() if nodeid.startswith(files))
    return next(found, None)


def is_last_of_pieces(item: pytest.Item, following: pytest.Item | None) -> bool:
    """Whether this process has no more of them: they come before all else."""
    return bool(piece(item.nodeid) and following and not piece(following.nodeid))


def place(nodeid: str) -> tuple[int, int]:
    """Where a test's file stands in the order; equal ones stay as they are."""
    if name := piece(nodeid):
        return 0, list(PIECES).index(name)
    found = (n for n, name in enumerate(LONG) if nodeid.startswith(name))
    return 1, next(found, len(LONG))


class Pieces(LoadFileScheduling):
    """Whole files, some of them together; see `PIECES`."""

    def _split_scope(self, nodeid: str) -> str:
        return piece(nodeid) or super()._split_scope(nodeid)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: place(item.nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log) -> Pieces | None:
    return Pieces(config, log) if config.option.dist == "loadfile" else None
