"""The printed configurations, before the real front: slow clients stay out."""

import getpass
import os
import re
import shutil
import signal
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests import serving
from tests.serving import answer_of, ask, connect, front
from tests.standin import ROOT, free_port
from tests.waiting import wait_for

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
CADDY = shutil.which("caddy")
PAGES = ("docs/deployment.md", "docs/deployment.en.md")
HALF = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"
AROUND = """
daemon off;
user {user};
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {printed}
}}
"""


def printed(page: str, proxy: str) -> str:
    """The configuration as it stands there."""
    text = (ROOT / page).read_text("utf-8")
    blocks = rf"^```{proxy}\n(.*?)^```"
    (block,) = re.findall(blocks, text, re.MULTILINE | re.DOTALL)
    return block


def nginx(folder: Path, config: str, port: int) -> list[str]:
    """The command of an nginx with this configuration, listening on *port*."""
    config = config.replace("listen 80;", f"listen 127.0.0.1:{port};")
    around = {"folder": folder, "user": getpass.getuser(), "printed": config}
    (folder / "conf").write_text(AROUND.format(**around))
    words = [NGINX, "-p", str(folder), "-c", str(folder / "conf")]
    return [*words, "-e", str(folder / "error.log")]


def caddy(folder: Path, config: str, port: int) -> list[str]:
    """The command of a Caddy with this configuration, without its certificate."""
    config = config.replace(
        "images.example.com {", f"http://127.0.0.1:{port}, http://localhost:{port} {{"
    )
    config = config.replace("{\n    servers", "{\n    admin off\n    servers", 1)
    (folder / "Caddyfile").write_text(config)
    return [
        CADDY,
        "run",
        "--config",
        str(folder / "Caddyfile"),
        "--adapter",
        "caddyfile",
    ]


PROXIES = {"nginx": nginx, "caddyfile": caddy}


@pytest.fixture(scope="module", params=PROXIES)
def ports(request, tmp_path_factory):
    """Of the proxy and of what stands behind it."""
    proxy = request.param
    if {"nginx": NGINX, "caddyfile": CADDY}[proxy] is None:
        pytest.skip(f"{proxy} is needed")
    folder, port = tmp_path_factory.mktemp(proxy), free_port()
    with front(tmp_path_factory.mktemp("behind"), TRUSTED_PROXIES="1") as behind:
        config = printed(PAGES[0], proxy)
        config = config.replace("127.0.0.1:8080", f"127.0.0.1:{behind}")
        words = PROXIES[proxy](folder, config, port)
        env = {**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder)}
        with (
            (folder / "log").open("wb") as log,
            subprocess.Popen(words, env=env, stdout=log, stderr=log) as process,
        ):
            try:
                wait_for(lambda: serving.is_up(port))
                yield port, behind
            finally:
                process.send_signal(signal.SIGTERM)


@pytest.mark.parametrize("proxy", PROXIES)
def test_both_languages_print_the_same(proxy):
    """One configuration, which is the one tested."""
    assert printed(PAGES[0], proxy) == printed(PAGES[1], proxy)


@pytest.mark.system
def test_slow_clients_stay_at_the_proxy(ports):
    """Half requests hold up nobody, and do not even reach what is behind."""
    port, behind = ports
    with ExitStack() as links:
        for _ in range(60):
            link = links.enter_context(connect(port))
            link.sendall(
                b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"
            )

        took = serving.seconds(port)

    assert took[-1] < 2
    assert serving.seconds(behind)[-1] < 2


@pytest.mark.system
def test_large_answers_and_bodies_pass(ports):
    """Byte by byte the same as without it."""
    port, behind = ports

    assert ask(port, "/?size=9000000").endswith(b"x" * 9_000_000)
    assert b"900000 bytes" in ask(port, body=b"x" * 900_000)


@pytest.mark.system
def test_one_idle_connection_serves_many(ports):
    """None is cut between the proxy and what is behind it, some seconds apart."""
    port, _ = ports
    with connect(port) as link:
        for rest in (0, 3, 6):
            time.sleep(rest)
            link.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert b" 200 " in answer_of(link)


@pytest.mark.system
@pytest.mark.parametrize("ports", ["nginx"], indirect=True)
def test_bodies_that_are_too_large_end_at_nginx(ports):
    """Caddy passes them on, and the application refuses them."""
    port, _ = ports

    assert b" 413 " in ask(port, body=b"x" * 1_100_000).splitlines()[0]
