"""What Visual does with a call whose signature is good."""

import base64
import json
import logging
import secrets
from dataclasses import dataclass, replace

from jimeng.local.simulator.answers import (
    POLL,
    PROCESS,
    SUBMIT,
    Answer,
    Call,
    read_object,
)
from jimeng.local.simulator.callbacks import Callbacks, is_local
from jimeng.local.simulator.edits import (
    drawn_from,
    order_of,
    pictures_complaint,
    texts_of,
)
from jimeng.local.simulator.faults import Fault, ending_in_prompt
from jimeng.local.simulator.given import Given, NoPicture, NotFetched, collect
from jimeng.local.simulator.ledger import Row
from jimeng.local.simulator.pictures import large_png
from jimeng.local.simulator.req_keys import (
    REQ_KEYS,
    Body,
    ReqKey,
    meta_complaint,
)
from jimeng.local.simulator.service import Service

log = logging.getLogger(__name__)

VERSION = "2022-08-31"
RETENTION = 12 * 3600  # seconds for which the service knows a task
QUEUED = 0.15  # part of the duration that a task waits before it is drawn
MAX_QUEUED = 2.0  # seconds of it
SEVERAL = 4  # pictures where one was asked for


@dataclass(frozen=True)
class Wishes:
    """
    How a caller wants to get a picture.

    Attributes:
        host: Under which he reaches this server, for links.
        kind: A fault of ``kinds`` that changes what is shown, or ``""``.
    """

    host: str
    url: bool = False
    mark: str = ""
    kind: str = ""

    @classmethod
    def read(cls, host: str, wishes: Body) -> "Wishes":
        """Read ``return_url`` and ``logo_info``, which may be JSON in a string."""
        logo = wishes.get("logo_info")
        logo = read_object(logo) if isinstance(logo, str) else logo
        is_marked = isinstance(logo, dict) and logo.get("add_logo") is True
        url = wishes.get("return_url") is True
        return cls(host, url, json.dumps(logo, sort_keys=True) if is_marked else "")


class Visual:
    """The actions, see `knows`."""

    def __init__(self, service: Service, callbacks: Callbacks) -> None:
        self._service = service
        self._callbacks = callbacks
        self._actions = {SUBMIT: self._submit, PROCESS: self._process, POLL: self._poll}

    def knows(self, action: str, version: str) -> bool:
        return action in self._actions and version == VERSION

    def call(self, call: Call, raw: bytes, host: str) -> Answer:
        """
        Carry out a signed call.

        Args:
            raw: The body.
            host: Under which the caller reaches this server, for links.
        """
        body = read_object(raw)
        if body is None:
            return call.business(50215)
        return self._actions[call.action](call, body, host)

    def _submit(self, call: Call, body: Body, host: str) -> Answer:
        self._service.ledger.count("submit")
        fault = self._service.fault_of_order("submit", body.get("prompt"))

        def carry_out() -> Answer:
            row = self._accept(call, body)
            if isinstance(row, Answer):
                return row
            self._call_back(call, body, row, host)
            return call.success({"task_id": row.task_id})

        return self._service.order(call, fault, carry_out)

    def _process(self, call: Call, body: Body, host: str) -> Answer:
        """Draw while the caller waits."""
        self._service.ledger.count("process")
        fault = self._service.fault_of_order("process", body.get("prompt"))

        def carry_out() -> Answer:
            row = self._accept(call, body)
            if isinstance(row, Answer):
                return row
            wishes = Wishes.read(host, body)
            answer = self._processed(call, body, row, with_kind(wishes, fault))
            return replace(answer, delay=row.finished_at - row.accepted_at)

        return self._service.order(call, fault, carry_out)

    def _processed(self, call: Call, body: Body, row: Row, wishes: Wishes) -> Answer:
        if row.outcome != "done":
            return call.business(int(row.outcome))
        row = self._marked(row, wishes)
        return call.success(
            {
                "algorithm_base_resp": {"status_code": 0, "status_message": "Success"},
                "binary_data_base64": [],
                "image_urls": [],
                "infer_ctx": {},
                "llm_result": row.prompt if body.get("use_pre_llm", True) else "",
                "pe_result": "",
                "predict_tags_result": "",
                "rephraser_result": "",
                "request_id": call.request_id,
                "vlm_result": "",
            }
            | self._shown(call, row, wishes)
        )

    def _accept(self, call: Call, body: Body) -> Row | Answer:
        """Enter a task into the ledger, or say why not."""
        model = REQ_KEYS.get(str(body.get("req_key")))
        if model is None or model.action != call.action:
            return call.business(50400)
        if complaint := model.complaint(body):
            return call.business(50200, complaint)
        try:
            given = collect(texts_of(body))
        except (NotFetched, NoPicture) as error:
            log.info("picture refused: %s", type(error).__name__)
            return call.business(50215)
        if complaint := pictures_complaint(model, given):
            return call.business(50200, complaint)
        row = self._new_row(call, body, model, given)
        limit = self._service.limits.get(row.account, self._service.settings.limit)
        if self._service.ledger.accept(row, limit=limit):
            return call.business(50430)
        log.info(
            "task accepted id=%s req_key=%s size=%sx%s seconds=%.1f request=%s",
            row.task_id,
            row.req_key,
            row.width,
            row.height,
            row.finished_at - row.accepted_at,
            call.request_id,
        )
        return row

    def _new_row(
        self, call: Call, body: Body, model: ReqKey, given: list[Given]
    ) -> Row:
        prompt, now = str(body.get("prompt", "")), self._service.now
        width, height = model.size(body)
        if model.follows:
            width, height = drawn_from(model, body, given)
        return Row(
            task_id=str(7 * 10**18 + secrets.randbelow(10**18)),
            req_key=str(body["req_key"]),
            prompt=prompt,
            seed=self._service.seed(body.get("seed")),
            width=width,
            height=height,
            request_id=call.request_id,
            accepted_at=now,
            finished_at=now + self._service.duration(prompt),
            outcome=ending_in_prompt(prompt),
            images=model.count(body, self._service.settings.group),
            picture=model.picture,
            given=order_of(body, model, given).dumps(),
            account=call.account,
        )

    def _poll(self, call: Call, body: Body, host: str) -> Answer:
        ledger = self._service.ledger
        ledger.count("poll")
        if str(body.get("req_key")) not in REQ_KEYS:
            return call.business(50400)
        row = ledger.polled(str(body.get("task_id")))
        if row is None or row.req_key != body.get("req_key"):
            return call.business(50215)
        if row.account != call.account:
            return call.business(50215)
        wanted = wishes_of(body)
        if complaint := meta_complaint(wanted.get("aigc_meta")):
            return call.business(50200, complaint)
        wishes = Wishes.read(host, wanted)
        fault = self._fault_of_poll(row)
        if fault is None:
            return self._progress(call, row, wishes)
        if fault.ends:
            ledger.end(row.task_id, fault.kind, self._service.now)
        log.info("poll spoiled id=%s kind=%s", row.task_id, fault.kind)
        return fault.spoil(call, self._progress(call, row, with_kind(wishes, fault)))

    def _fault_of_poll(self, row: Row) -> Fault | None:
        faults = self._service.faults
        done = row.outcome == "done" and self._service.now >= row.finished_at
        if fault := faults.take("poll", done=done):
            return fault
        fault = faults.in_prompt("poll", row.prompt, row.task_id, done=done)
        # A code that ends a task is its outcome and comes when its time is over.
        return None if fault and fault.ends else fault

    def _progress(self, call: Call, row: Row, wishes: Wishes) -> Answer:
        now = self._service.now
        if now >= row.accepted_at + RETENTION:
            return call.progress("not_found")
        if now < row.finished_at:
            wait = min(QUEUED * (row.finished_at - row.accepted_at), MAX_QUEUED)
            is_waiting = now < row.accepted_at + wait
            return call.progress("in_queue" if is_waiting else "generating")
        if row.outcome != "done":
            return call.business(int(row.outcome))
        row = self._marked(row, wishes)
        return call.progress("done", **self._shown(call, row, wishes))

    def _shown(self, call: Call, row: Row, wishes: Wishes) -> dict[str, object]:
        """Links or bytes of the pictures."""
        settings, kind = self._service.settings, wishes.kind
        numbers = range(SEVERAL if kind == "several" else row.images)
        if kind == "large_base64":
            data = [base64.b64encode(large_png()).decode()]
            return {"binary_data_base64": data}
        if settings.answer_base64 or not wishes.url or kind == "base64":
            raw = [self._service.picture(call, row, i) for i in numbers]
            return {"binary_data_base64": [base64.b64encode(b).decode() for b in raw]}
        lifetime = -1 if kind == "expired_link" else settings.url_ttl
        expires = self._service.now + lifetime
        links = [self._service.links.visual(row, i, expires) for i in numbers]
        found: dict[str, object] = {
            "image_urls": [f"http://{wishes.host}{link}" for link in links]
        }
        if kind == "resp_data":
            found |= {"binary_data_base64": [], "resp_data": "{}"}
        return found

    def _marked(self, row: Row, wishes: Wishes) -> Row:
        if row.mark != wishes.mark:
            self._service.ledger.marked(row.task_id, wishes.mark)
        return replace(row, mark=wishes.mark)

    def _call_back(self, call: Call, body: Body, row: Row, host: str) -> None:
        url = body.get("callback_url")
        if not isinstance(url, str) or not is_local(url):
            return

        def make() -> bytes:
            return self._callback(call, row, Wishes.read(host, body))

        self._callbacks.send(url, row.finished_at - row.accepted_at, make)

    def _callback(self, call: Call, row: Row, wishes: Wishes) -> bytes:
        """The body of the POST that says that a task has ended."""
        faults = self._service.faults
        fault = faults.take("callback") or faults.in_prompt(
            "callback", row.prompt, row.task_id
        )
        code = fault.kind if fault else row.outcome
        if code == "done":
            shown = self._shown(call, self._marked(row, wishes), wishes)
            answer = call.progress("done", **shown)
        else:
            answer = call.refuse(code)
        found = json.loads(answer.body)
        if code != "done":
            found["data"] = {"resp_data": ""}
        return json.dumps({**found, "task_id": row.task_id}).encode()


def with_kind(wishes: Wishes, fault: Fault | None) -> Wishes:
    return replace(wishes, kind=fault.kind) if fault else wishes


def wishes_of(body: Body) -> Body:
    """What ``req_json`` says, which must be text holding JSON."""
    text = body.get("req_json")
    return (read_object(text) if isinstance(text, str) else None) or {}
