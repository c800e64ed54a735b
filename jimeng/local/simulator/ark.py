"""What Ark does with a call, from the key to the pictures."""

import base64
import hmac
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

from jimeng.local.simulator.accounts import Account
from jimeng.local.simulator.answers import Answer, read_object
from jimeng.local.simulator.ark_answers import REFUSED_PICTURE, ArkCall
from jimeng.local.simulator.ark_models import MODELS, ArkModel, Body, images_of
from jimeng.local.simulator.faults import Fault
from jimeng.local.simulator.given import Given, NoPicture, NotFetched, Order, collect
from jimeng.local.simulator.ledger import Row
from jimeng.local.simulator.service import Service

log = logging.getLogger(__name__)

PATH = "/api/v3/images/generations"
LINK_TTL = 24 * 3600
SEVERAL = 3  # pictures where one was asked for
REVIVED = "[[revived]]"
EVENT = "image_generation."

# Of a picture that goes in.
SHORTEST = 14  # pixels
MOST_PIXELS = 36_000_000
WIDEST = 16
MOST_BYTES = 30_000_000

Picture = dict[str, object]


class Ark:
    """
    The image call.

    Args:
        accounts: Those whose API keys are let in; who has none is not.
    """

    def __init__(self, service: Service, accounts: Sequence[Account]) -> None:
        self._service = service
        self._accounts = accounts

    def call(self, call: ArkCall, headers: Mapping[str, str], raw: bytes) -> Answer:
        """
        Carry out a call.

        Args:
            headers: By lower-case name.
            raw: The body.
        """
        self._service.ledger.count("ark")
        account = self._let_in(headers.get("authorization", ""))
        if account is None:
            return call.error("AuthenticationError")
        call = replace(call, account=account.name)
        body = read_object(raw)
        if body is None:
            return call.invalid("body")
        fault = self._service.fault_of_order("ark", body.get("prompt"))
        host = headers.get("host", "")
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
        model = self._model(body)
        if model is None:
            return call.error("InvalidEndpointOrModel.NotFound")
        if wrong := incomplete(call, body, "prompt"):
            return wrong
        if model.needs_input and not body.get("image"):
            return call.missing("image")
        if param := model.complaint(body):
            return call.invalid(param)
        try:
            given = collect(images_of(body))
        except NotFetched as error:
            text = f"Timeout while downloading url={error}"
            return call.error("InvalidParameter", text, "image")
        except NoPicture:
            return call.invalid("image")
        if not all(map(is_taken, given)):
            return call.invalid("image")
        row = self._new_row(call, body, model, fault, given)
        if refused := self._refused(call, row):
            return refused
        answer = self._drawn(call, body, host, row, fault)
        return replace(answer, delay=row.finished_at - row.accepted_at)

    def _refused(self, call: ArkCall, row: Row) -> Answer | None:
        """Enter the call into the ledger, or say which limit it would break."""
        settings = self._service.settings
        full = self._service.ledger.accept(
            row,
            limit=self._service.limits.get(row.account, settings.ark_limit),
            per_minute=settings.ark_per_minute,
        )
        if full == "minute":
            return call.error("ModelAccountIpmRateLimitExceeded")
        if full:
            return call.error("InflightBatchsizeExceeded")
        log.info(
            "call accepted model=%s size=%sx%s images=%s seconds=%.1f request=%s",
            row.req_key,
            row.width,
            row.height,
            row.images,
            row.finished_at - row.accepted_at,
            call.request_id,
        )
        return None

    def _model(self, body: Body) -> ArkModel | None:
        model = MODELS.get(str(body["model"]))
        if model is None or not model.is_retired or self._service.settings.revived:
            return model
        return model if REVIVED in str(body.get("prompt")) else None

    def _new_row(
        self,
        call: ArkCall,
        body: Body,
        model: ArkModel,
        fault: Fault | None,
        given: list[Given],
    ) -> Row:
        prompt, now = str(body["prompt"]), self._service.now
        width, height = model.size(body) or model.default_size
        count = model.count(body, self._service.settings.group)
        if fault is not None and fault.kind == "several":
            count = SEVERAL
        if fault is not None and fault.kind == "partial":
            count -= 1
        return Row(
            task_id=call.request_id,
            req_key=str(body["model"]),
            prompt=prompt,
            seed=self._service.seed(body.get("seed")),
            width=width,
            height=height,
            request_id=call.request_id,
            accepted_at=now,
            finished_at=now + self._service.duration(prompt),
            outcome=fault.kind if fault and fault.ends else "done",
            images=count,
            picture="PNG" if body.get("output_format") == "png" else "JPEG",
            mark="" if body.get("watermark") is False else "{}",
            given=Order("references", tuple(given)).dumps(),
            account=call.account,
        )

    def _drawn(
        self, call: ArkCall, body: Body, host: str, row: Row, fault: Fault | None
    ) -> Answer:
        if row.outcome != "done":
            return call.error(row.outcome)
        kind = fault.kind if fault else ""
        total = row.images + (kind == "partial")
        # Of a group the second is refused, and of one the only one.
        refused = min(1, total - 1) if kind == "partial" else -1
        pictures: list[Picture] = [
            {"error": REFUSED_PICTURE}
            if i == refused
            else self._picture(call, body, host, row, i, kind)
            for i in range(total)
        ]
        tokens = round(row.images * row.width * row.height / 256)
        usage = {
            "generated_images": row.images,
            "output_tokens": tokens,
            "total_tokens": tokens,
        }
        head = {"model": row.req_key, "created": int(call.now)}
        if body.get("stream") is True:
            return call.stream(events(head, pictures, usage))
        return call.success({**head, "data": pictures, "usage": usage})

    def _picture(
        self, call: ArkCall, body: Body, host: str, row: Row, index: int, kind: str
    ) -> Picture:
        found: Picture = {}
        if body.get("response_format") == "b64_json":
            data = self._service.picture(call, row, index)
            found["b64_json"] = base64.b64encode(data).decode()
        else:
            lifetime = min(LINK_TTL, self._service.settings.url_ttl)
            since = self._service.now - (lifetime + 1 if kind == "expired_link" else 0)
            link = self._service.links.ark(row, index, since, lifetime)
            found["url"] = f"http://{host}{link}"
        model = MODELS[row.req_key]
        if model.says_size:
            found["size"] = f"{row.width}x{row.height}"
        if "output_format" in model.takes:
            found["output_format"] = row.picture.lower()
        return found


def is_taken(given: Given) -> bool:
    """Within the limits of its sides, its pixels, and its ratio."""
    if not given.mode:
        return True  # a link to elsewhere, which is not fetched
    short = min(given.width, given.height)
    within = short > SHORTEST and given.width * given.height <= MOST_PIXELS
    return within and given.ratio <= WIDEST and given.size <= MOST_BYTES


def incomplete(call: ArkCall, body: Body, name: str) -> Answer | None:
    """The refusal of a body in which the text *name* is missing, or is no text."""
    if not body.get(name):
        return call.missing(name)
    return None if isinstance(body[name], str) else call.invalid(name)


def events(
    head: Picture, pictures: list[Picture], usage: dict[str, int]
) -> list[tuple[str, object]]:
    """The server-sent events for *pictures*, in order."""
    found: list[tuple[str, object]] = []
    for i, picture in enumerate(pictures):
        name = EVENT + ("partial_failed" if "error" in picture else "partial_succeeded")
        found.append((name, {"type": name, **head, "image_index": i, **picture}))
    name = f"{EVENT}completed"
    found.append((name, {"type": name, **head, "usage": usage}))
    return [*found, ("", "[DONE]")]
