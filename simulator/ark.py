"""The Ark API: check the key and the request, and generate pictures."""

import hmac
from collections.abc import Sequence
from dataclasses import replace

from simulator.ark_models import DEFAULT_SIZE, MODELS, images_of
from simulator.ark_responses import REFUSED_PICTURE, ArkCall
from simulator.ark_video_models import VIDEO_MODELS
from simulator.ark_videos import PATH as VIDEO_PATH
from simulator.ark_videos import ArkVideos
from simulator.faults import Fault
from simulator.inputs import (
    InputPicture,
    NoPicture,
    NotFetched,
    Order,
    collect,
)
from simulator.ledger import Row
from simulator.service import Service
from simulator.settings import Account
from simulator.signatures import Received
from simulator.visual_models import Body
from simulator.visual_responses import Answer, read_object

PATH = "/api/v3/images/generations"
MODELS_PATH = "/api/v3/models"
NOT_FOUND = Answer(404, b"404 page not found", "text/plain", code=404)
SEVERAL = 3  # pictures where one was requested

# Limits of an input picture.
SHORTEST = 14  # pixels
MAX_PIXELS = 36_000_000
WIDEST = 16
MAX_BYTES = 30_000_000


class Ark:
    """
    The calls for pictures, and the way to those for videos.

    Args:
        accounts: The accounts whose API keys are accepted, if they have one.
    """

    def __init__(self, service: Service, accounts: Sequence[Account]) -> None:
        self._service = service
        self._accounts = accounts
        self._videos = ArkVideos(service)

    def call(self, call: ArkCall, received: Received) -> Answer:
        """Perform a call."""
        account = self._let_in(received.headers.get("authorization", ""))
        call = replace(call, account=account.name if account else "")
        route = received.method, received.path
        is_video = f"{received.path}/".startswith(f"{VIDEO_PATH}/")
        if route not in {("POST", PATH), ("GET", MODELS_PATH)} and not is_video:
            return NOT_FOUND
        if account is None:
            self._service.ledger.count("ark")
            return call.refuse("AuthenticationError")
        if is_video:
            return self._videos.call(call, received) or NOT_FOUND
        if received.path == MODELS_PATH:
            self._service.ledger.count("models")
            return call.success({"object": "list", "data": catalogue()})
        return self._generate(call, received)

    def _generate(self, call: ArkCall, received: Received) -> Answer:
        self._service.ledger.count("ark")
        body = read_object(received.body)
        if body is None:
            return call.invalid("body")
        fault = self._service.fault_of_order("ark", body.get("prompt"))
        host = received.headers.get("host", "")
        if fault is not None and fault.ends:
            return self._carry_out(call, body, host, fault)
        return self._service.order(
            call, fault, lambda: self._carry_out(call, body, host, fault)
        )

    def _let_in(self, authorization: str) -> Account | None:
        scheme, _, key = authorization.partition(" ")
        if scheme.lower() != "bearer" or key.strip() == self._service.settings.revoked:
            return None
        for account in self._accounts:
            known = hmac.compare_digest(key.strip().encode(), account.ark_key.encode())
            if account.ark_key and known:
                return account
        return None

    def _carry_out(
        self, call: ArkCall, body: Body, host: str, fault: Fault | None
    ) -> Answer:
        if wrong := incomplete(call, body, "model"):
            return wrong
        model = MODELS.get(str(body["model"]))
        if model is None:
            return call.refuse("InvalidEndpointOrModel.NotFound")
        if wrong := incomplete(call, body, "prompt"):
            return wrong
        if param := model.complaint(body):
            return call.invalid(param)
        try:
            inputs = collect(images_of(body))
        except NotFetched as error:
            text = f"Timeout while downloading url={error}"
            return call.refuse("InvalidParameter", text, "image")
        except NoPicture:
            return call.invalid("image")
        if not all(map(is_within_limits, inputs)):
            return call.invalid("image")
        service, kind = self._service, fault.kind if fault else ""
        count = model.count(body, service.settings.group) - (kind == "partial")
        row = service.enter(
            call,
            body,
            limit=service.settings.ark_limit,
            per_minute=service.settings.ark_per_minute,
            task_id=call.request_id,
            req_key=str(body["model"]),
            size=model.size(body) or DEFAULT_SIZE,
            outcome=kind if fault and fault.ends else "done",
            images=SEVERAL if kind == "several" else count,
            picture="PNG" if body.get("output_format") == "png" else "JPEG",
            mark="" if body.get("watermark") is False else "{}",
            given=Order("references", tuple(inputs)).dumps(),
        )
        if row == "minute":
            return call.refuse("ModelAccountIpmRateLimitExceeded")
        if row == "running":
            return call.refuse("InflightBatchsizeExceeded")
        answer = self._finished(call, body, host, row, kind)
        return replace(answer, delay=row.finished_at - row.accepted_at)

    def _finished(
        self, call: ArkCall, body: Body, host: str, row: Row, kind: str
    ) -> Answer:
        if row.outcome != "done":
            return call.refuse(row.outcome)
        pictures = [
            self._picture(call, body, host, row, i, kind) for i in range(row.images)
        ]
        if kind == "partial":  # refuse the second picture of a group, or the only one
            pictures.insert(1, {"error": REFUSED_PICTURE})
        tokens = round(row.images * row.width * row.height / 256)
        usage = {
            "generated_images": row.images,
            "output_tokens": tokens,
            "total_tokens": tokens,
        }
        head = {"model": row.req_key, "created": int(call.now)}
        return call.success({**head, "data": pictures, "usage": usage})

    def _picture(
        self, call: ArkCall, body: Body, host: str, row: Row, index: int, kind: str
    ) -> dict[str, object]:
        found: dict[str, object] = {}
        if body.get("response_format") == "b64_json":
            found["b64_json"] = self._service.coded(call, row, index)
        else:
            found["url"] = self._service.link(host, row, index, kind)
        found["size"] = f"{row.width}x{row.height}"
        if "output_format" in MODELS[row.req_key].takes:
            found["output_format"] = row.picture.lower()
        return found


def is_within_limits(picture: InputPicture) -> bool:
    """Whether sides, area and aspect ratio of an input are within the limits."""
    if not picture.mode:
        return True  # an external link, which is not fetched
    short = min(picture.width, picture.height)
    is_sized = short > SHORTEST and picture.width * picture.height <= MAX_PIXELS
    return is_sized and picture.ratio <= WIDEST and picture.size <= MAX_BYTES


def incomplete(call: ArkCall, body: Body, name: str) -> Answer | None:
    """The refusal if the body's *name* is missing or not a string; else None."""
    if not body.get(name):
        return call.missing(name)
    return None if isinstance(body[name], str) else call.invalid(name)


def catalogue() -> list[dict[str, object]]:
    """All models, whether or not an account may call them."""
    return [
        {
            "id": name,
            "object": "model",
            "created": 0,
            "name": name.rpartition("-")[0],
            "version": name.rpartition("-")[2],
            "domain": "VideoGeneration" if name in VIDEO_MODELS else "ImageGeneration",
        }
        for name in (*MODELS, *VIDEO_MODELS)
    ]
