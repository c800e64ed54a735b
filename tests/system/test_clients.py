"""The clients of the first README run unchanged: by bash, and in a browser."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.system

DATA = Path(__file__).parent.parent / "data"


def test_bash_workflow_gets_its_picture(live_server, tmp_path):
    """The script asks port 8080, and finds the server that the test started."""
    route = f'connect-to = "localhost:8080:127.0.0.1:{live_server.port}"\n'
    (tmp_path / ".curlrc").write_text(route)

    done = subprocess.run(
        ["bash", str(DATA / "workflow.sh")],
        env={**os.environ, "CURL_HOME": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )

    assert "✅ 图像生成完成!" in done.stdout, done.stdout + done.stderr
    assert "http://localhost:8080/i/" in done.stdout


@pytest.mark.browser
def test_javascript_functions_get_their_picture(live_server, chromium):
    """The two functions, on the page that the server serves."""
    page = chromium.new_page()
    page.goto(live_server.url)
    functions = (DATA / "client.js").read_text()
    prompt = json.dumps("一只可爱的小猫咪在花园里玩耍")

    url = page.evaluate(
        f"async () => {{ {functions}\n"
        f"return await createImageWithRetry({prompt}, 'user_123'); }}"
    )

    answer = page.request.get(url)
    assert answer.headers["content-type"] == "image/jpeg"
    assert len(answer.body()) > 1000
    page.close()
