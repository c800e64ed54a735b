"""Settings of several accounts: their keys, their limits, and what is refused."""

import re

import pytest

from jimeng.config import Config, read_dotenv
from jimeng.errors import ConfigError
from jimeng.providers import Registry
from tests.each import for_each

POOL = {
    "VOLCENGINE_ACCOUNTS": "studio, Lab",
    "VOLCENGINE_ACCESS_KEY": "main-access",
    "VOLCENGINE_SECRET_KEY": "main-secret",
    "VOLCENGINE_CONCURRENCY": "5",
    "VOLCENGINE_ACCESS_KEY_STUDIO": "studio-access",
    "VOLCENGINE_SECRET_KEY_STUDIO": "studio-secret",
    "VOLCENGINE_CONCURRENCY_STUDIO": "3",
    "ARK_API_KEY_LAB": "lab-key",
}


def test_each_account_has_its_own_keys():
    """What it is not told it shares with all, but never a key."""
    config = Config.from_env(POOL)

    limits = {a: each.VOLCENGINE_CONCURRENCY for a, each in config.by_account.items()}
    keys = {a: each.VOLCENGINE_ACCESS_KEY for a, each in config.by_account.items()}
    assert limits == {"main": 5, "studio": 3, "lab": 5}
    assert keys == {"main": "main-access", "studio": "studio-access", "lab": ""}
    assert Registry.from_config(config).lanes["volcengine_jimeng:jimeng_t2i_v30"] == 8
    assert Registry.from_config(config).accounts_of("volcengine_ark") == ["lab"]


def test_keys_of_accounts_are_never_shown(tmp_path):
    """Neither in words nor in a log, and a file may hold them."""
    config = Config.from_env(POOL)
    (tmp_path / ".env").write_text("\n".join(f"{k}={v}" for k, v in POOL.items()))

    assert "studio" in repr(config)
    assert not re.search("secret|studio-access|lab-key", repr(config))
    assert {"studio-secret", "studio-access", "lab-key"} <= config.secrets
    assert set(read_dotenv(str(tmp_path / ".env"))) == set(POOL)


@for_each(
    "changes, words",
    [
        ({"VOLCENGINE_SECRET_KEY_STUDIO": ""}, "VOLCENGINE_SECRET_KEY_STUDIO is miss"),
        ({"VOLCENGINE_CONCURRENCY_STUDIO": "x"}, "VOLCENGINE_CONCURRENCY_STUDIO must"),
        ({"ARK_API_KEY_LAB": "你的KEY"}, "ARK_API_KEY_LAB is still the placeholder"),
        ({"ARK_API_KEY_LAB": ""}, "VOLCENGINE_ACCOUNTS names lab, without"),
        ({"VOLCENGINE_ACCESS_KEY_STUDIO": "main-access"}, "of studio is main's too"),
        ({"VOLCENGINE_ACCOUNTS": "main"}, "VOLCENGINE_ACCOUNTS must be names"),
        ({"VOLCENGINE_ACCOUNTS": "a,a"}, "VOLCENGINE_ACCOUNTS must name each"),
    ],
)
def test_wrong_account_is_refused(changes, words):
    """Each by the name of what is wrong."""
    with pytest.raises(ConfigError, match=words):
        Config.from_env(POOL | changes)


def test_account_that_is_not_listed_is_refused(tmp_path):
    """In a file; its keys would silently not apply."""
    (tmp_path / ".env").write_text("VOLCENGINE_ACCESS_KEY_STUDIO=x")

    with pytest.raises(ConfigError, match="STUDIO is of no account in VOLCENGINE_ACC"):
        read_dotenv(str(tmp_path / ".env"))
