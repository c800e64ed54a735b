"""Pictures kept in a directory of this test."""

from dataclasses import replace

import pytest

from jimeng import jobs
from jimeng.storage import Chosen


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "pictures"


@pytest.fixture
def stored_in(app, config, registry, directory):
    """Has this process keep pictures there."""

    def choose(kind: str) -> Chosen:
        chosen = replace(config, STORAGE=kind, STORAGE_DIR=str(directory))
        app.config["JIMENG"] = chosen
        return jobs.configure(chosen, registry).store

    return choose
