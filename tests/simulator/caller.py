"""A client of few lines; whether signatures are the real ones, the SDK tells."""

import http.client
import json
from dataclasses import dataclass
from email.message import Message

from requests import Request

from jimeng.providers.signing import VolcengineAuth

ACCESS_KEY = "AKLTtest"
SECRET_KEY = "secret-of-the-test"
ARK_KEY = "ark-key-of-the-test"
KEYS = {"access_key": ACCESS_KEY, "secret_key": SECRET_KEY, "ark_key": ARK_KEY}
SUBMIT = "CVSync2AsyncSubmitTask"
POLL = "CVSync2AsyncGetResult"
PROCESS = "CVProcess"
V21 = "jimeng_high_aes_general_v21_L"
V30 = "jimeng_t2i_v30"
V40 = "jimeng_t2i_v40"
ARK_PATH = "/api/v3/images/generations"
TASKS_PATH = "/api/v3/contents/generations/tasks"
SEEDANCE = "doubao-seedance-2-0-mini-260615"
ARK_V30 = "doubao-seedream-3-0-t2i-250415"
ARK_V40 = "doubao-seedream-4-0-250828"
PATIENCE = 60.0  # seconds: a large picture takes some on a machine that is busy


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes
    headers: Message

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self) -> int:
        """The code of the envelope, or the CodeN of the gateway."""
        metadata = self.json.get("ResponseMetadata")
        return metadata["Error"]["CodeN"] if metadata else self.json["code"]


class Caller:
    """Calls the simulator at *port*, each time over a new connection."""

    def __init__(
        self,
        port: int,
        secret: str = SECRET_KEY,
        token: str = "",
        access: str = ACCESS_KEY,
    ) -> None:
        self.host = f"127.0.0.1:{port}"
        self.keys = access, secret
        self.token = token

    def call(self, action: str, body: dict, **changes: str) -> Reply:
        """Sign and send; *changes* are headers (``_`` for ``-``) changed after."""
        path = f"/?Action={action}&Version=2022-08-31"
        raw = json.dumps(body, ensure_ascii=False).encode()
        auth = VolcengineAuth(*self.keys, session_token=self.token)
        kind = {"Content-Type": "application/json"}
        url = f"http://{self.host}{path}"
        signed = Request("POST", url, headers=kind, data=raw, auth=auth).prepare()
        changed = {name.replace("_", "-"): text for name, text in changes.items()}
        signed.headers.update(changed)
        return self.send("POST", path, raw, dict(signed.headers))

    def submit(self, prompt: str = "一只猫", **fields: object) -> Reply:
        return self.call(SUBMIT, {"req_key": V30, "prompt": prompt, **fields})

    def accepted(self, prompt: str = "一只猫", **fields: object) -> str:
        """Submit and return the id of the task."""
        return self.submit(prompt, **fields).json["data"]["task_id"]

    def poll(self, task_id: str, **fields: object) -> Reply:
        wishes = {"req_json": '{"return_url":true}'}
        return self.call(POLL, {"req_key": V30, "task_id": task_id, **wishes, **fields})

    def process(self, prompt: str = "[[slow 0]] 猫", **fields: object) -> Reply:
        """Have a picture drawn at once."""
        wishes = {"req_key": V21, "prompt": prompt, "return_url": True}
        return self.call(PROCESS, {**wishes, **fields})

    def ark(
        self, prompt: object = "[[slow 0]] 猫", key: str = ARK_KEY, **fields: object
    ) -> Reply:
        body = {"model": ARK_V40, "prompt": prompt, "size": "1024x1024", **fields}
        return self._with_key("POST", ARK_PATH, body, key)

    def tasks(
        self, method: str, path: str = "", body: object = None, key: str = ARK_KEY
    ) -> Reply:
        """Call Ark's video tasks at a *path* below theirs."""
        return self._with_key(method, TASKS_PATH + path, body, key)

    def _with_key(self, method: str, path: str, body: object, key: str) -> Reply:
        raw = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
        return self.send(method, path, raw, headers)

    def create(self, prompt: str = "[[slow 0]] 猫", **fields: object) -> Reply:
        """Order the smallest video."""
        content = [{"type": "text", "text": prompt}]
        usual = {"model": SEEDANCE, "content": content, "resolution": "480p"}
        usual |= {"ratio": "16:9", "duration": 4, "generate_audio": False}
        return self.tasks("POST", "", {**usual, **fields})

    def created(self, prompt: str = "[[slow 0]] 猫", **fields: object) -> str:
        """Order a video and return the id of the task."""
        return self.create(prompt, **fields).json["id"]

    def task(self, task_id: str) -> dict:
        return self.tasks("GET", f"/{task_id}").json

    def control(self, name: str, body: object) -> Reply:
        raw = json.dumps(body).encode()
        return self.send("POST", f"/_simulator/{name}", raw, {})

    def get(self, url: str, method: str = "GET", **headers: str) -> Reply:
        """Fetch *url*, with *headers* (``_`` for ``-``)."""
        names = {name.replace("_", "-"): text for name, text in headers.items()}
        return self.send(method, url.removeprefix(f"http://{self.host}"), b"", names)

    def send(self, method: str, path: str, body: bytes, headers: dict) -> Reply:
        connection = http.client.HTTPConnection(self.host, timeout=PATIENCE)
        try:
            connection.request(method, path, body, headers)
            with connection.getresponse() as answer:  # which may end too early
                return Reply(answer.status, answer.read(), answer.headers)
        finally:
            connection.close()
