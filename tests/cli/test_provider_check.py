"""``flask provider check``: what works, what does not, and what to do about it."""

from dataclasses import replace

import pytest

from jimeng import jobs
from jimeng.errors import ProviderError
from jimeng.local.supervisor.datadir import demo_keys
from jimeng.providers import MODELS, Registry
from simulator import Simulator

VISUAL = "volcengine_jimeng"
OF_VISUAL = [model for model in MODELS if model.provider == VISUAL]


class Checked:
    """A service that refuses some of its models."""

    def __init__(self, **refused: ProviderError) -> None:
        self.refused = refused

    def check(self, req_key: str) -> bool:
        if req_key in self.refused:
            raise self.refused[req_key]
        return req_key != "jimeng_high_aes_general_v21_L"


@pytest.fixture
def check(app, config):
    """Run the command with those refusals; in the language of the terminal."""

    def check(language="en_GB.UTF-8", providers=(VISUAL,), **refused):
        served = {name: Checked(**refused) for name in providers}
        jobs.configure(config, Registry(served, dict.fromkeys(providers, 2)))
        env = {"LANG": language, "LC_ALL": ""}
        return app.test_cli_runner().invoke(args=["provider", "check"], env=env)

    return check


def test_all_is_well(check):
    """A line for each model, in the language of the terminal."""
    ended = check()

    lines = ended.output.splitlines()
    assert (ended.exit_code, len(lines)) == (0, len(OF_VISUAL))
    assert all(line.startswith(f"ok   {VISUAL}  ") for line in lines)
    assert "doubao-seedream-3.0-t2i  ready" in lines[0]
    assert "jimeng-2.1" in lines[4] and "only generating a picture shows" in lines[4]
    assert "可用" in check("zh_CN.UTF-8").output


def test_what_is_wrong_is_said(check):
    refusal = ProviderError(
        "words", code="access_denied", provider_code="50400", request_id="R1"
    )

    ended = check(jimeng_t2i_v31=refusal)

    (line,) = [each for each in ended.output.splitlines() if each.startswith("BAD")]
    assert ended.exit_code == 1
    assert "jimeng-3.1" in line and "access_denied: The Volcengine account" in line
    assert line.endswith("[50400 R1]")


def test_without_keys_there_is_nothing_to_check(check):
    ended = check(providers=())

    assert ended.exit_code == 1
    assert "ARK_API_KEY" in ended.output


def test_demo_of_a_running_jimeng_is_asked(app, config, tmp_path):
    """Beside `make run` without keys it is said who draws, and that it can."""
    keys = demo_keys(tmp_path / "simulator.keys")
    named = {f"{name}_key": value for name, value in keys.items()}
    app.config["JIMENG"] = replace(config, DATA_DIR=str(tmp_path))

    with Simulator(**named) as demo:
        (tmp_path / "simulator.port").write_text(str(demo.port))
        ended = app.test_cli_runner().invoke(args=["provider", "check"])

    said, *lines = ended.output.splitlines()
    assert ended.exit_code == 0, ended.output
    assert "`make run` uses the demo provider" in said
    assert len(lines) == len(MODELS) and all(line.startswith("ok ") for line in lines)
