"""The programs that a picture's page offers: each is run as it stands."""

import itertools
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from jimeng.documents import Image, Task
from jimeng.gallery.picture_details import PictureRecord
from jimeng.schemas.videos import NewVideoTask
from jimeng.web.pictures.code_samples import ROUTE, code_samples
from tests.each import for_each
from tests.parts import NODE

RUN = {
    "curl": ["bash", "-c"],
    "python": [sys.executable, "-c"],
    "javascript": [NODE, "-e"],
}
LANGUAGES = ["python", "javascript", pytest.param("curl", marks=pytest.mark.system)]
HOSTILE = {
    "quotes": "it's a 'cat' '' '\\'' say \"meow\" \"\"\" \\\" '''",
    "shell": "-d @/etc/passwd $(touch hacked) `touch hacked` ${HOME} !! ; touch hacked"
    " # && touch hacked",
    "code": '" + __import__("os").system("touch hacked") + "'
    '"}); require("fs").writeFileSync("hacked", ""); ({x: "${1+1}`',
    "lines": "one\ntwo\r\n\tthree \\n \\",
    "markup": "</script></pre><script>alert(1)</script><!-- &amp; ]]>",
    "format": "%s %d {0} {server} {{}} %(x)s \\x41 \\u0041",
    "invisible": "猫\u202egnp.exe\u2066\u200f\ufeff \u2028 \u2029 \u0085 \u3000"
    " \x01\x1b[31m\x7f",
    "beyond-16-bits": "👩\u200d🚀🏳️\u200d🌈\U000e0041\U0001fae8",
}


class Recorder(BaseHTTPRequestHandler):
    """Plays the API: takes any task, which is then done."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.path, dict(self.headers), json.loads(body)))
        links = {"result": f"{self.server.url}/result"}
        self._answer(202, {"data": {"status": "pending", "links": links}})

    def do_GET(self) -> None:
        self.server.looked.append(dict(self.headers))
        if self.path.startswith(("/i/", "/v/")):
            self._answer(200, {})
            return
        kind, path = "image", "i/picture.png"
        if "video" in self.server.asked[-1][0]:
            kind, path = "video", "v/video.mp4"
        url = f"{self.server.url}/{path}"
        found = {f"{kind}_url": url, f"{kind}_urls": [url]}
        done = {"status": "completed", "result": found}
        self._answer(200, {"data": done})

    def _answer(self, status: int, body: dict) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Location", "/result")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def recorder() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    server.url = f"http://127.0.0.1:{server.server_port}"
    server.asked, server.looked = [], []
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def record(prompt: str) -> PictureRecord:
    """A picture of a task that nobody has stored."""
    given = {"prompt": prompt, "user_id": "guest"}
    wanted = {"prompt": prompt, "input": given, "user_id": "guest", "model": "m"}
    task = Task(width=512, height=768, n=1, **wanted)
    image = Image(id=f"{task.id}_0", task_id=task.id, seed=41)
    return PictureRecord(image, task, None, [image], None, None)


def program(prompt: str, language: str, server: str) -> str:
    found = code_samples(record(prompt), server, with_key=False)
    return next(each.text for each in found if each.id == language)


def run(language: str, text: str, folder: Path, **env: str) -> str:
    """Run a program in an empty folder and return what it printed."""
    done = subprocess.run(
        [*RUN[language], text],
        cwd=folder,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", **env},
        capture_output=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode()


def is_long(name: str, language: str) -> bool:
    """Whether it is left to `make test-all`: of another language but Python, most."""
    return language == "curl" or (
        language == "javascript" and name not in ("quotes", "code")
    )


SENT = [
    pytest.param(
        *case, marks=[pytest.mark.system] if is_long(*case) else [], id="-".join(case)
    )
    for case in itertools.product(HOSTILE, RUN)
]


@pytest.mark.parametrize(("name", "language"), SENT)
def test_program_sends_the_very_words(recorder, tmp_path, language, name):
    """Whatever a prompt holds is text in every language, and nothing else runs."""
    run(language, program(HOSTILE[name], language, recorder.url), tmp_path)

    ((path, headers, body),) = recorder.asked
    assert path == ROUTE
    asked = {"user_id": "guest", "model": "m", "size": "512x768", "seed": 41}
    assert body == {**asked, "prompt": HOSTILE[name]}
    assert "Authorization" not in headers
    assert [each.name for each in tmp_path.iterdir()] == ["picture.png"]


@for_each("language", RUN)
@for_each("name", HOSTILE)
def test_program_shows_all_that_it_says(language, name):
    """No character of it is invisible, or turns others around."""
    text = program(HOSTILE[name], language, "http://localhost")

    assert all(char.isprintable() or char == "\n" for char in text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_program_of_a_video(recorder, tmp_path, language):
    """It asks for all that was chosen, which sets the price, and saves the MP4. The key
    stands in no program: it is read from the surroundings, and goes along with every
    request to the API."""
    of = record("海浪")
    video = {"duration": 5, "resolution": "720p", "ratio": "16:9", "audio": True}
    of.task.video = {**video, "last_frame": False, "roles": []}
    of.image.kind = "video"
    texts = code_samples(of, recorder.url, with_key=True)
    (text,) = [each.text for each in texts if each.id == language]

    run(language, text, tmp_path, JIMENG_API_KEY="jm_secret")

    ((path, headers, body),) = recorder.asked
    assert path == "/api/v1/ai/video/task"
    asked = {"user_id": "guest", "model": "m", "prompt": "海浪", "seed": 41}
    assert body == {**asked, **video, "return_last_frame": False}
    assert NewVideoTask().validate(body) == {}
    assert [each.name for each in tmp_path.iterdir()] == ["video.mp4"]
    keys = [each["Authorization"] for each in (headers, recorder.looked[0])]
    assert keys == ["Bearer jm_secret"] * 2
