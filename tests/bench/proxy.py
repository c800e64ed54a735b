"""
LiteLLM's proxy on its image route, beside ours, over the same simulated provider.

It keeps nothing and answers when the provider has; the provider answers at once here.
It is installed by pip into a virtual environment of its own, kept between runs, and
left out where that does not work.
"""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.requests import BARE, CREATE, Request, told
from tests.bench.rows import Row, Site
from tests.bench.started import running, started
from tests.standin import free_port

PACKAGE = "litellm[proxy]"
HOME = Path(".venv-litellm")
PATIENCE = 240.0  # seconds to install
SECONDS = 5.0
ROUTE = "/v1/images/generations"
MODEL = "doubao-seedream-4-0-250828"
CONFIG = """
model_list:
  - model_name: picture
    litellm_params:
      model: openai/{model}
      api_base: {url}/api/v3
      api_key: {key}
"""


def rows(site: Site) -> Iterator[Row]:
    name = "submission beside LiteLLM's image route"
    program = installed()
    if program is None:
        yield Row(name, "LiteLLM cannot be installed here", goal="2")
        return
    with started(site) as port:
        ours = Request(lambda n: ("POST", CREATE, {**BARE, "user_id": f"user_{n}"}))
        ours.measure(port, 0.5)  # warm
        mine = ours.measure(port, SECONDS)
    key = "sk-" + secrets.token_hex(16)
    with proxied(site, program, key) as port:
        body = {"model": "picture", "prompt": "一只猫", "size": "1024x1024"}
        theirs = Request(
            lambda n: ("POST", ROUTE, body), {"Authorization": f"Bearer {key}"}
        )
        theirs.measure(port, 1.0)
        other = theirs.measure(port, SECONDS)
    yield Row(
        name,
        f"**{mine[0] / other[0]:.2f}**: {told(mine)}",
        f"{told(other)}, the provider among it",
        "2",
    )


def installed() -> Path | None:
    """The command; None where it cannot be had."""
    program = HOME / "bin/litellm"
    if program.exists():
        return program
    env = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    try:
        subprocess.run([sys.executable, "-m", "venv", str(HOME)], check=True)
        words = [str(HOME / "bin/pip"), "install", "--quiet", PACKAGE]
        subprocess.run(words, check=True, env=env, timeout=PATIENCE)
    except (OSError, subprocess.SubprocessError) as error:
        print(f"no LiteLLM: {error}", file=sys.stderr)
        return None
    return program


@contextmanager
def proxied(site: Site, program: Path, master_key: str) -> Iterator[int]:
    """Start it with two workers, as ours has, and tell its port."""
    key = secrets.token_hex(16)
    with site.stack("litellm", duration=0.0, ARK_API_KEY=key) as stack:
        folder = site.folder / "litellm"
        stack.simulate(plain=True, ark_limit=1000, ark_per_minute=1_000_000)
        config, port = folder / "config.yaml", free_port()
        config.write_text(CONFIG.format(model=MODEL, url=stack.simulator_url, key=key))
        env = os.environ | {
            "LITELLM_LOG": "ERROR",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "LITELLM_MASTER_KEY": master_key,  # without one it does not start
        }
        words = [str(program.absolute()), "--config", str(config)]
        words += ["--host", "127.0.0.1", "--port", str(port), "--num_workers", "2"]
        words += ["--run_gunicorn", "--telemetry", "False"]
        url = f"http://127.0.0.1:{port}/health/liveliness"
        with (
            open(folder / "litellm.log", "wb") as log,
            running(words, url, env=env, stdout=log, stderr=log),
        ):
            yield port
