"""Proxies, as the documents print their configurations."""

import getpass
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import serving
from tests.printed import blocks
from tests.standin import free_port
from tests.waiting import wait_for

NGINX = shutil.which("nginx") or "/usr/sbin/nginx"  # where no user's PATH leads
AROUND = """
daemon off;
user {user};
pid {folder}/pid;
error_log {folder}/error.log;
{main}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {site}
}}
"""


def nginx(folder: Path, port: int, main: str, site: str) -> list[str]:
    """The command of an nginx with this configuration, listening on *port*."""
    site = site.replace("listen 80;", f"listen 127.0.0.1:{port};")
    around = {"folder": folder, "user": getpass.getuser(), "main": main, "site": site}
    (folder / "conf").write_text(AROUND.format(**around))
    words = [NGINX, "-p", str(folder), "-c", str(folder / "conf")]
    return [*words, "-e", str(folder / "error.log")]


def caddy(folder: Path, port: int, config: str) -> list[str]:
    """The command of a Caddy with this configuration, without its certificate."""
    config = config.replace(
        "images.example.com {", f"http://127.0.0.1:{port}, http://localhost:{port} {{"
    )
    config = config.replace("{\n    servers", "{\n    admin off\n    servers", 1)
    (folder / "Caddyfile").write_text(config)
    words = ["caddy", "run", "--adapter", "caddyfile", "--config"]
    return [*words, str(folder / "Caddyfile")]


PROXIES = {"nginx": nginx, "caddyfile": caddy}


@contextmanager
def before(behind: int, folder: Path, proxy: str = "nginx") -> Iterator[int]:
    """Its port, where it passes on to the port *behind*."""
    port = free_port()
    printed = [
        each.replace("127.0.0.1:8080", f"127.0.0.1:{behind}")
        for each in blocks("docs/deployment.en.md", proxy)
    ]
    words = PROXIES[proxy](folder, port, *printed)
    env = {**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(words, env=env, stdout=log, stderr=log) as process,
    ):
        try:
            wait_for(lambda: serving.is_up(port))
            yield port
        finally:
            process.send_signal(signal.SIGTERM)
