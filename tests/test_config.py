"""Settings, of several accounts too: their source, refusals by name, no secret."""

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from dotenv import dotenv_values
from redis.connection import parse_url

from jimeng.config import Config, read_dotenv
from jimeng.config.values import PLAIN_REDIS
from jimeng.errors import ConfigError
from jimeng.providers import Registry
from tests.each import for_each

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / ".env.example"
NAMES = [field.name for field in fields(Config)]
NEVER_SET = ("MONGODB", "REDIS", "KEY", "TOKEN")  # in the example: as text only


def uncommented() -> dict[str, str]:
    """The example as it is when all of it applies."""
    pairs = re.findall(
        r"^# ([A-Z\d_]+)=(.*)$", EXAMPLE.read_text("utf-8"), re.MULTILINE
    )
    return {**dict(pairs), **dotenv_values(EXAMPLE)}


def test_example_explains_every_setting():
    """Above each name stand a Chinese and an English line."""
    lines = EXAMPLE.read_text("utf-8").splitlines()
    for name in NAMES:
        (at,) = [i for i, s in enumerate(lines) if re.match(rf"(# )?{name}=", s)]
        comments = []
        while lines[at - 1 - len(comments)].startswith("# "):
            comments.append(lines[at - 1 - len(comments)])
        english, chinese = comments
        assert re.search(r"[\u4e00-\u9fff]", chinese), name
        assert re.search(r"[a-z]{3}", english), name
        assert not re.search(r"[\u4e00-\u9fff]", english), name


def test_every_setting_is_read():
    """A setting that does nothing any more is gone."""
    files = [ROOT / "app.py", *ROOT.glob("jimeng/**/*.py")]
    code = [path.read_text("utf-8") for path in files]
    words = re.findall(r"\b[A-Z][A-Z\d_]+\b", "\n".join(code))

    assert [name for name in NAMES if words.count(name) < 2] == []


def test_copied_example_changes_nothing(tmp_path):
    """Copying it and starting works: databases and keys are commented out."""
    active = dotenv_values(EXAMPLE)

    assert not [name for name in active if any(part in name for part in NEVER_SET)]
    assert Config.from_env(active) == Config()


def test_example_shows_the_default():
    """What is commented out is the default, or stands for what is empty by default."""
    shown = uncommented()
    assert set(shown) == set(NAMES)
    for field in fields(Config):
        text = shown[field.name]
        if text and not text.startswith("你的"):
            value = field.metadata["parse"](text)
            assert value == field.default or field.default in ("", ()), field.name


@for_each("text", ["你的ACCESS_KEY", "your-key", "YOUR_SECRET", " 你的密钥"])
@for_each("name", ["VOLCENGINE_ACCESS_KEY", "REDIS_PASSWORD"])
def test_placeholder_is_refused_by_name(name, text):
    with pytest.raises(ConfigError, match=f"^{name} .*placeholder"):
        Config.from_env({name: text})


@for_each(
    "name, text",
    [
        *[("SERVER_PORT", text) for text in ("0", "65536", "http", "80.5", "-1")],
        *[("PORT", "x"), ("AUTH", "maybe"), ("ALLOW_OPEN_ACCESS", "perhaps")],
        *[("MONGODB_URI", text) for text in ("localhost:27017", "http://x")],
        *[("MONGODB_URI", "mongodb://u:p@ss@h"), ("MONGODB_DATABASE", "a b")],
        *[
            ("REDIS_URL", text)
            for text in ("localhost:6379", "redis://h:x", "http://h", "redis://h:65536")
        ],
        *[("REDIS_ADDR", text) for text in ("redis://h:1", "h:x", "u@h:1", "h:1/2")],
        *[("REDIS_DB", "-1"), ("REDIS_DB", "x"), ("VOLCENGINE_CONCURRENCY", "0")],
        *[
            ("PUBLIC_URL", text)
            for text in ("example.com", "ftp://x", "http:", "http://[")
        ],
        *[("VOLCENGINE_ENDPOINT", "visual.volcengineapi.com")],
        *[("WAIT_SECONDS", text) for text in ("nan", "inf", "0", "61", "1s")],
        *[("TASK_DEADLINE", "0"), ("USER_MAX_PENDING", "0"), ("SHUTDOWN_GRACE", "0")],
        *[("LOG_LEVEL", "loud"), ("LOG_FORMAT", "xml"), ("WATERMARK", "perhaps")],
        *[("ARK_CONCURRENCY", text) for text in ("0", "1001", "x")],
        *[("ARK_BASE_URL", "ark.example"), ("AIGC_PRODUCER_ID", "x" * 257)],
        *[("S3_ENDPOINT", "minio:9000"), ("S3_BUCKET", "My_Bucket")],
        *[("S3_ADDRESSING", "dns"), ("S3_PREFIX", "a b"), ("STORAGE", "tape")],
        *[("ADMIN_EMAIL", text) for text in ("root", "a@b.example PASSWORD=x")],
    ],
)
def test_wrong_value_is_refused_by_name(name, text):
    """The message begins with the variable, so that it can be found."""
    with pytest.raises(ConfigError, match=f"^{name} "):
        Config.from_env({name: text})


@for_each(
    "env, lacking",
    [
        ({"VOLCENGINE_ACCESS_KEY": "AKLT"}, "VOLCENGINE_SECRET_KEY"),
        ({"VOLCENGINE_SECRET_KEY": "AKLT"}, "VOLCENGINE_ACCESS_KEY"),
        ({"S3_ACCESS_KEY": "AKLT"}, "S3_SECRET_KEY"),
        ({"STORAGE": "s3"}, "^S3_BUCKET "),
    ],
)
def test_half_a_key_is_refused(env, lacking):
    """And a store without its bucket: the setting that is missing is named."""
    with pytest.raises(ConfigError, match=lacking):
        Config.from_env(env)


def test_refusals_and_settings_show_no_secret():
    """Neither printing the settings nor an error about them gives one away."""
    secrets = {
        "VOLCENGINE_ACCESS_KEY": "AKhidden",
        "VOLCENGINE_SECRET_KEY": "SKhidden",
        "VOLCENGINE_SESSION_TOKEN": "SThidden",
        "ARK_API_KEY": "hidden",
        "S3_ACCESS_KEY": "hidden",
        "S3_SECRET_KEY": "hidden",
        "MONGODB_URI": "mongodb://u:hidden@h/db",
        "REDIS_URL": "redis://:hidden@h",
        "REDIS_PASSWORD": "hidden",
    }
    config = Config.from_env(secrets)

    assert "hidden" not in repr(config) + str(config)
    for name in ("MONGODB_URI", "REDIS_URL"):
        with pytest.raises(ConfigError) as raised:
            Config.from_env({name: f"x{secrets[name]}:port"})
        assert "hidden" not in str(raised.value)


def test_seeds_names_are_understood():
    """The names of the documented .env file make the addresses."""
    config = Config.from_env(
        {"REDIS_ADDR": "r:7000", "REDIS_PASSWORD": "a/b@c", "REDIS_DB": "3"}
    )

    assert config.redis_url == "redis://:a%2Fb%40c@r:7000/3"
    assert Config().redis_url == "redis://localhost:6379/0"
    assert Config().mongodb_uri == "mongodb://localhost:27017"
    both = Config.from_env({"REDIS_URL": "redis://x:1/2", "REDIS_ADDR": "r:7000"})
    assert both.redis_url == "redis://x:1/2"


@for_each(
    "env, name, value",
    [
        ({}, "SERVER_PORT", 8080),
        ({"PORT": "5000"}, "SERVER_PORT", 5000),
        ({"SERVER_PORT": "", "PORT": "5000"}, "SERVER_PORT", 5000),
        ({"SERVER_PORT": "9000", "PORT": "5000"}, "SERVER_PORT", 5000),
        ({}, "WAIT_SECONDS", 55),
        ({"DYNO": "web.1"}, "WAIT_SECONDS", 25),
        ({"DYNO": "web.1", "WAIT_SECONDS": "10"}, "WAIT_SECONDS", 10),
        ({"WAIT_SECONDS": "60"}, "WAIT_SECONDS", 60),
    ],
)
def test_platform_decides(env, name, value):
    """PORT is what it asks at; Heroku's router gives up after thirty seconds."""
    assert getattr(Config.from_env(env), name) == value


def test_environment_beats_the_file(tmp_path, monkeypatch):
    """Quotes and comments are those of .env files; $ is a character."""
    file = tmp_path / ".env"
    file.write_text("SERVER_PORT=1\nDATA_DIR='a b'  # here\nREDIS_PASSWORD=a$B\n")
    monkeypatch.setenv("SERVER_PORT", "2")

    config = Config.load(str(file))

    assert (config.SERVER_PORT, config.DATA_DIR) == (2, "a b")
    assert config.REDIS_PASSWORD == "a$B"


@pytest.mark.parametrize("content", [b"SERVER_PORT\n", b"A=\xff\n"])
def test_file_that_cannot_be_read_is_refused(tmp_path, content):
    """A line without = or bytes that are no text stop the start."""
    file = tmp_path / ".env"
    file.write_bytes(content)

    with pytest.raises(ConfigError, match=re.escape(str(file))):
        Config.load(str(file))


@pytest.mark.parametrize(
    "text", ['AUTH="on\n', "AUTH=on'x'\nDATA_DIR='b\n", 'AUTH="on""\n']
)
def test_quote_too_many_is_refused_by_its_line(tmp_path, text):
    """Without its value the server would be open to all, or draw with the demo."""
    file = tmp_path / ".env"
    file.write_text(f"SERVER_PORT=1\n{text}")

    with pytest.raises(ConfigError, match=r"line [23] is no NAME=value.* quote"):
        Config.load(str(file))


@for_each(
    "name, meant",
    [
        ("VOLCENGINE_ACESS_KEY", "VOLCENGINE_ACCESS_KEY"),
        ("VOLCENGINE_SECRET", "VOLCENGINE_SECRET_KEY"),
        ("volcengine_secret_key", "VOLCENGINE_SECRET_KEY"),
        ("ARK_KEY", "ARK_API_KEY"),
        ("MONGODB_URL", "MONGODB_URI"),
        ("SERVER_PROT", "SERVER_PORT"),
    ],
)
def test_slip_in_a_name_is_refused_with_what_was_meant(tmp_path, name, meant):
    """Else the demo provider would draw, and nobody would know why."""
    file = tmp_path / ".env"
    file.write_text(f"{name}=hidden\n")

    with pytest.raises(ConfigError, match=f"no {name}; is {meant} meant") as raised:
        Config.load(str(file))

    assert "hidden" not in str(raised.value)


def test_names_of_others_may_stand_beside_ours(tmp_path):
    """A file may be shared with other programs."""
    file = tmp_path / ".env"
    file.write_text("POSTGRES_PASSWORD=x\nNODE_ENV=production\nGOPROXY=direct\n")

    assert Config.load(str(file)) == Config()


def test_own_hosts_are_loopback_and_what_is_configured():
    """The names under which the server may be asked."""
    config = Config.from_env(
        {"PUBLIC_URL": "https://A.example:8443/x/", "ALLOWED_HOSTS": "B.example, c"}
    )

    assert {"localhost", "127.0.0.1", "::1", "a.example", "b.example", "c"} == (
        config.own_hosts - {"[::1]"}
    )
    assert config.PUBLIC_URL == "https://A.example:8443/x"


@for_each(
    "text",
    [
        *("redis://h", "rediss://h:6379/0", "redis://:p-w_1@127.0.0.1:20001/0"),
        *("redis://user:pw@redis.example.com:59999/15", "redis://h:6379/"),
    ],
)
def test_plain_address_of_redis_is_one_of_its_client_s(text):
    """It is taken without asking the client, which would take it too."""
    assert PLAIN_REDIS.fullmatch(text)
    assert parse_url(text)["host"]
    assert Config.from_env({"REDIS_URL": text}).redis_url == text


@pytest.mark.parametrize("name", ["jimeng.local.supervisor", "jimeng.config.server"])
def test_what_starts_the_others_is_soon_there(name):
    """It loads no client of Redis, and nothing of the web."""
    script = f"""if True:
        import sys, {name}
        from jimeng.config import Config
        assert Config.from_env({{"REDIS_URL": "redis://:pw@h:1/0"}}).redis_url
        print({{"redis", "flask", "huey"}} & set(sys.modules))
    """

    said = subprocess.check_output([sys.executable, "-c", script], text=True)

    assert said.strip() == "set()"


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
    with pytest.raises(ConfigError, match=words):
        Config.from_env(POOL | changes)


def test_account_that_is_not_listed_is_refused(tmp_path):
    """In a file; its keys would silently not apply."""
    (tmp_path / ".env").write_text("VOLCENGINE_ACCESS_KEY_STUDIO=x")

    with pytest.raises(ConfigError, match="STUDIO is of no account in VOLCENGINE_ACC"):
        read_dotenv(str(tmp_path / ".env"))
