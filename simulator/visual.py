"""The Visual API, behind the verification of the signature."""

import json
import logging
import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from simulator.faults import Fault, ending_in_prompt
from simulator.inputs import (
    NoPicture,
    NotFetched,
    collect,
    order_of,
    output_size_from,
    pictures_complaint,
    texts_of,
)
from simulator.ledger import Row
from simulator.service import Service
from simulator.visual_models import REQ_KEYS as PICTURE_KEYS
from simulator.visual_models import Body, meta_complaint
from simulator.visual_responses import (
    POLL,
    PROCESS,
    SUBMIT,
    Answer,
    Call,
    read_object,
)
from simulator.visual_video_models import VIDEO_REQ_KEYS, VideoReqKey

log = logging.getLogger(__name__)

VERSION = "2022-08-31"
REQ_KEYS = {**PICTURE_KEYS, **VIDEO_REQ_KEYS}
RETENTION = 12 * 3600  # seconds after which a task is unknown
QUEUED = 0.15  # share of the duration in which a task is queued
MAX_QUEUED = 2.0  # seconds at most in that state
SEVERAL = 4  # pictures where one was requested
EMPTY_LISTS = ("pe_result", "predict_tags_result", "rephraser_result", "vlm_result")


class Visual:
    """The actions of the API; see `knows`."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._actions = {SUBMIT: self._submit, PROCESS: self._process, POLL: self._poll}

    def knows(self, action: str, version: str) -> bool:
        return action in self._actions and version == VERSION

    def call(self, call: Call, raw: bytes, host: str) -> Answer:
        """
        Perform a signed call.

        Args:
            raw: The body.
            host: This server's host as the client addresses it, for links.
        """
        body = read_object(raw)
        if body is None:
            return call.business(50215)
        return self._actions[call.action](call, body, host)

    def _submit(self, call: Call, body: Body, host: str) -> Answer:
        return self._order(
            "submit", call, body, lambda row, _: call.success({"task_id": row.task_id})
        )

    def _process(self, call: Call, body: Body, host: str) -> Answer:
        """Generate synchronously."""

        def shown(row: Row, fault: Fault | None) -> Answer:
            if row.outcome != "done":
                answer = call.business(int(row.outcome))
            else:
                answer = call.success(self._processed(call, body, row, host, fault))
            return replace(answer, delay=row.finished_at - row.accepted_at)

        return self._order("process", call, body, shown)

    def _order(
        self,
        action: str,
        call: Call,
        body: Body,
        shown: Callable[[Row, Fault | None], Answer],
    ) -> Answer:
        self._service.ledger.count(action)
        fault = self._service.fault_of_order(action, body.get("prompt"))

        def carry_out() -> Answer:
            row = self._accept(call, body)
            return row if isinstance(row, Answer) else shown(row, fault)

        return self._service.order(call, fault, carry_out)

    def _processed(
        self, call: Call, body: Body, row: Row, host: str, fault: Fault | None
    ) -> dict[str, object]:
        found = {
            "algorithm_base_resp": {"status_code": 0, "status_message": "Success"},
            "binary_data_base64": [],
            "image_urls": [],
            "infer_ctx": {},
            "llm_result": row.prompt if body.get("use_pre_llm", True) else "",
            "request_id": call.request_id,
            **dict.fromkeys(EMPTY_LISTS, ""),
        }
        return dict(
            sorted({**found, **self._shown(call, row, host, body, fault)}.items())
        )

    def _accept(self, call: Call, body: Body) -> Row | Answer:
        """Enter a task into the ledger, or return the refusal."""
        service, model = self._service, REQ_KEYS.get(str(body.get("req_key")))
        if model is None or model.action != call.action:
            return call.business(50400)
        if complaint := model.complaint(body):
            return call.business(50200, complaint)
        try:
            inputs = collect(texts_of(body))
        except (NotFetched, NoPicture) as error:
            log.info("picture refused: %s", type(error).__name__)
            return call.business(50215)
        if complaint := pictures_complaint(model, inputs):
            return call.business(50200, complaint)
        about: dict[str, Any] = {}
        if isinstance(model, VideoReqKey):
            size, order = model.ordered(body, inputs)
            about = {"video": order.dumps(), "micros": model.micros(order)}
        elif model.follows:
            size = output_size_from(model, body, inputs)
        else:
            size = model.size(body)
        row = service.enter(
            call,
            body,
            limit=service.settings.limit,
            task_id=str(7 * 10**18 + secrets.randbelow(10**18)),
            req_key=str(body["req_key"]),
            size=size,
            outcome=ending_in_prompt(str(body.get("prompt", ""))),
            images=model.count(body, service.settings.group),
            picture=model.picture,
            given=order_of(body, model, inputs).dumps(),
            **about,
        )
        return row if isinstance(row, Row) else call.business(50430)

    def _poll(self, call: Call, body: Body, host: str) -> Answer:
        ledger = self._service.ledger
        ledger.count("poll")
        if str(body.get("req_key")) not in REQ_KEYS:
            return call.business(50400)
        row = ledger.change(str(body.get("task_id")), "polls = polls + 1")
        asked = (body.get("req_key"), call.account)
        if row is None or (row.req_key, row.account) != asked:
            return call.business(50215)
        text = body.get("req_json")  # must be a string that contains JSON
        wishes = (read_object(text) if isinstance(text, str) else None) or {}
        if complaint := meta_complaint(wishes.get("aigc_meta")):
            return call.business(50200, complaint)
        fault = self._service.fault_of_poll("poll", row)
        answer = self._progress(call, row, host, wishes, fault)
        if fault is None:
            return answer
        if fault.ends:
            self._service.end(row, fault)
        log.info("fault applied to poll id=%s kind=%s", row.task_id, fault.kind)
        return fault.apply(call, answer)

    def _progress(
        self, call: Call, row: Row, host: str, wishes: Body, fault: Fault | None
    ) -> Answer:
        now = self._service.now
        if now >= row.accepted_at + RETENTION:
            return call.progress("not_found")
        if now < row.finished_at:
            wait = min(QUEUED * (row.finished_at - row.accepted_at), MAX_QUEUED)
            is_waiting = now < row.accepted_at + wait
            state = "in_queue" if is_waiting else "generating"
            return call.video_progress(state) if row.video else call.progress(state)
        if row.outcome != "done":
            return call.business(int(row.outcome))
        if row.video:
            link = self._service.link(host, row, 0, fault.kind if fault else "")
            return call.video_progress("done", link, is_tagged="aigc_meta" in wishes)
        return call.progress("done", **self._shown(call, row, host, wishes, fault))

    def _shown(
        self, call: Call, row: Row, host: str, wishes: Body, fault: Fault | None
    ) -> dict[str, object]:
        """Links or bytes of the pictures, by ``return_url`` and ``logo_info``."""
        service, kind = self._service, fault.kind if fault else ""
        logo = wishes.get("logo_info")
        logo = read_object(logo) if isinstance(logo, str) else logo
        is_marked = isinstance(logo, dict) and logo.get("add_logo") is True
        mark = json.dumps(logo, sort_keys=True) if is_marked else ""
        if row.mark != mark:  # for downloads
            row = service.ledger.change(row.task_id, "mark = ?", mark) or row
        numbers = range(SEVERAL if kind == "several" else row.images)
        is_base64 = service.settings.answer_base64 or kind == "base64"
        if is_base64 or wishes.get("return_url") is not True:
            return {
                "binary_data_base64": [service.coded(call, row, i) for i in numbers]
            }
        links = [service.link(host, row, i, kind) for i in numbers]
        found: dict[str, object] = {"image_urls": links}
        if kind == "resp_data":
            found |= {"binary_data_base64": [], "resp_data": "{}"}
        return found
