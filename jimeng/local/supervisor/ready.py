"""Is the web server ready, and if not, what is it waiting for."""

import json
from contextlib import closing
from http.client import HTTPConnection, HTTPException

from jimeng.config import Config
from jimeng.local.supervisor import plan

PATIENCE = 2.0  # seconds for one answer


def lacking(config: Config) -> str:
    """What ``/health/ready`` says is missing; empty when all is there."""
    host = config.bare_host
    host = "127.0.0.1" if host in plan.EVERYWHERE else host
    link = HTTPConnection(host, config.SERVER_PORT, timeout=PATIENCE)
    with closing(link):
        try:
            link.request("GET", "/health/ready", headers={"Host": "localhost"})
            answer = link.getresponse()
            body = answer.read()
        except (OSError, HTTPException):
            return "an answer of the web server"
    if answer.status == 200:
        return ""
    try:
        return ", ".join(map(str, json.loads(body)["missing"]))
    except (ValueError, KeyError, TypeError):
        return f"another answer than {answer.status} of /health/ready"
