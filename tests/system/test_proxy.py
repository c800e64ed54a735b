"""The printed configuration of nginx, before the real front: slow clients stay out."""

import getpass
import re
import shutil
import signal
import subprocess
import time
from contextlib import ExitStack

import pytest

from tests import serving
from tests.serving import answer_of, ask, connect, front
from tests.standin import ROOT, free_port
from tests.waiting import wait_for

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
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


def printed(page: str) -> str:
    """The configuration as it stands there."""
    text = (ROOT / page).read_text("utf-8")
    (block,) = re.findall(r"^```nginx\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return block


@pytest.fixture(scope="module")
def ports(tmp_path_factory):
    """Of the proxy and of what stands behind it."""
    if NGINX is None:
        pytest.skip("nginx is needed")
    folder, port = tmp_path_factory.mktemp("nginx"), free_port()
    with front(tmp_path_factory.mktemp("behind"), TRUSTED_PROXIES="1") as behind:
        config = printed(PAGES[0]).replace("127.0.0.1:8080", f"127.0.0.1:{behind}")
        config = config.replace("listen 80;", f"listen 127.0.0.1:{port};")
        around = {"folder": folder, "user": getpass.getuser(), "printed": config}
        (folder / "conf").write_text(AROUND.format(**around))
        words = [NGINX, "-p", str(folder), "-c", str(folder / "conf")]
        with subprocess.Popen([*words, "-e", str(folder / "error.log")]) as process:
            try:
                wait_for(lambda: serving.is_up(port))
                yield port, behind
            finally:
                process.send_signal(signal.SIGTERM)


def test_both_languages_print_the_same():
    """One configuration, which is the one tested."""
    assert printed(PAGES[0]) == printed(PAGES[1])


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
    assert b" 413 " in ask(port, body=b"x" * 1_100_000).splitlines()[0]


@pytest.mark.system
def test_one_idle_connection_serves_many(ports):
    """None is cut between the proxy and what is behind it, some seconds apart."""
    port, _ = ports
    with connect(port) as link:
        for rest in (0, 3, 6):
            time.sleep(rest)
            link.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert b" 200 " in answer_of(link)
