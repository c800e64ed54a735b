"""Ark's video tasks: create, get, list, delete."""

import secrets
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from urllib.parse import parse_qs

from simulator.ark_responses import ENDING, ArkCall
from simulator.ark_video_models import (
    DEFAULT_EXPIRES_AFTER,
    VIDEO_MODELS,
    ArkVideoModel,
    nearest_ratio,
)
from simulator.faults import Fault, ending_in_prompt
from simulator.inputs import (
    InputPicture,
    NoPicture,
    NotFetched,
    Order,
    collect,
)
from simulator.ledger import Row
from simulator.pictures import LAST_FRAME
from simulator.service import Service
from simulator.signatures import Received
from simulator.video_clip import FPS
from simulator.videos import VideoOrder
from simulator.visual_models import Body, is_int
from simulator.visual_responses import STATES, Answer, read_object

PATH = "/api/v3/contents/generations/tasks"
# Calls per second and account.
RATES = {"get": 20, "list": 1, "delete": 20}
RETENTION = 7 * 24 * 3600  # seconds after which a task is unknown
CANCELLED_RETENTION = 24 * 3600
DECIDED = 5  # seconds, where the model decides
MAX_PAGE = 500
DEFAULT_PAGE_SIZE = 20
ID_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
FRAMES = ("first_frame", "last_frame")
REFERENCE = "reference_image"

# Limits of an input picture.
SIDES = (300, 6000)  # pixels
MIN_RATIO, MAX_RATIO = 0.4, 2.5  # width / height
MAX_BYTES = 30_000_000


class Invalid(Exception):
    """A field is invalid: its name, and a message instead of the usual one."""

    def __init__(self, param: str, message: str = "") -> None:
        super().__init__(param, message)
        self.param, self.message = param, message


@dataclass(frozen=True)
class Content:
    """
    The checked ``content`` of a request.

    Attributes:
        text: The prompt.
        pictures: The input pictures.
        roles: The role of each, in order.
    """

    text: str
    pictures: tuple[InputPicture, ...]
    roles: tuple[str, ...]


class ArkVideos:
    """Video tasks of all accounts; the caller has checked the key."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._lock = threading.Lock()
        self._recent: dict[tuple[str, str], deque[float]] = {}

    def call(self, call: ArkCall, received: Received) -> Answer | None:
        """Perform a call; None if there is no such call."""
        task_id = received.path.removeprefix(PATH).removeprefix("/")
        match received.method, bool(task_id):
            case "POST", _:  # also of a path below, such as .../{id}/cancel
                action, perform = "create", partial(self._create, call, received)
            case "GET", True:
                action, perform = "get", partial(self._get, call, received, task_id)
            case "GET", False:
                action, perform = "list", partial(self._list, call, received)
            case "DELETE", True:
                action, perform = "delete", partial(self._delete, call, task_id)
            case _:
                return None
        self._service.ledger.count(action)
        if self._is_too_fast(action, call.account):
            return call.refuse("AccountRateLimitExceeded")
        return perform()

    def _is_too_fast(self, action: str, account: str) -> bool:
        rate = RATES.get(action)
        if rate is None or not self._service.settings.enforce_rates:
            return False
        now = self._service.now
        with self._lock:
            times = self._recent.setdefault((action, account), deque(maxlen=rate))
            if len(times) == rate and now < times[0] + 1:
                return True
            times.append(now)
            return False

    def _create(self, call: ArkCall, received: Received) -> Answer:
        service = self._service
        body = read_object(received.body)
        if body is None:
            return call.invalid("body")
        items = body.get("content")
        fault = service.fault_of_order("create", text_of(items))
        accept = partial(self._accept, call, body, fault)
        if fault is not None and fault.ends:
            return accept()
        return service.order(call, fault, accept)

    def _accept(self, call: ArkCall, body: Body, fault: Fault | None) -> Answer:
        if not body.get("model"):
            return call.missing("model")
        model = VIDEO_MODELS.get(str(body["model"]))
        if model is None:
            return call.refuse("InvalidEndpointOrModel.NotFound")
        if not body.get("content"):
            return call.missing("content")
        service = self._service
        try:
            content = content_of(body["content"], model, str(body["model"]))
            if param := model.complaint(body, strict=service.settings.strict):
                raise Invalid(param)
            check_together(body, content)
        except Invalid as error:
            if error.message:
                return call.refuse("InvalidParameter", error.message, error.param)
            return call.invalid(error.param)
        size, order = ordered(model, body, content)
        now = service.now
        row = service.enter(
            call,
            {"prompt": content.text, "seed": order.asked.get("seed")},
            limit=service.settings.video_limit,
            queues=True,
            task_id=new_id(now),
            req_key=str(body["model"]),
            size=size,
            outcome=fault.kind
            if fault and fault.ends
            else ending_in_prompt(content.text, ENDING),
            given=Order("references", content.pictures).dumps(),
            video=order.dumps(),
            expires_at=now + order.expires_after,
            micros=model.cost(order.tokens, order.resolution, audio=order.audio),
        )
        assert isinstance(row, Row)  # noqa: S101 - those beyond the limit are queued
        tag = {"safety_identifier": order.tag} if order.tag else {}
        return call.success({"id": row.task_id, **tag})

    def _get(self, call: ArkCall, received: Received, task_id: str) -> Answer:
        service = self._service
        row = self._find(call, task_id)
        if row is None:
            return call.not_found(task_id)
        service.ledger.change(task_id, "polls = polls + 1")
        fault = service.fault_of_poll("get", row)
        if fault and fault.ends:
            row = service.end(row, fault)
            fault = None
        kind = fault.kind if fault else ""
        if kind == "not_found":
            return call.not_found(task_id)
        shown = self._shown(row, received.headers.get("host", ""), kind)
        answer = call.success(shown)
        return answer if fault is None or kind in STATES else fault.apply(call, answer)

    def _list(self, call: ArkCall, received: Received) -> Answer:
        service = self._service
        query = parse_qs(received.query)
        try:
            number = whole(query, "page_num", 1)
            size = whole(query, "page_size", DEFAULT_PAGE_SIZE)
        except Invalid as error:
            return call.invalid(error.param)
        host = received.headers.get("host", "")
        rows = service.ledger.videos_of(call.account)
        found = [each for each in rows if self._is_listed(each, query)]
        page = found[(number - 1) * size : number * size]
        items = [self._shown(each, host, "") for each in page]
        answer = call.success({"items": items, "total": len(found)})
        fault = service.faults.take("list")
        return fault.apply(call, answer) if fault else answer

    def _is_listed(self, row: Row, query: Mapping[str, list[str]]) -> bool:
        if row.req_key not in VIDEO_MODELS:  # of Visual
            return False
        now = self._service.now
        tier = VideoOrder.loads(row.video).asked.get("service_tier", "default")
        values = {
            "filter.status": state_of(row, now),
            "filter.task_ids": row.task_id,
            "filter.model": row.req_key,
            "filter.service_tier": tier,
        }
        matches = all(
            values[name] in wanted for name, wanted in query.items() if name in values
        )
        return matches and is_known(row, now)

    def _delete(self, call: ArkCall, task_id: str) -> Answer:
        service = self._service
        return service.order(
            call, service.faults.take("delete"), partial(self._remove, call, task_id)
        )

    def _remove(self, call: ArkCall, task_id: str) -> Answer:
        """Cancel a queued task, or remove the record of a finished one."""
        service = self._service
        row = self._find(call, task_id)
        if row is None:
            return call.not_found(task_id)
        state = state_of(row, service.now)
        limit = service.limit_of(row.account, service.settings.video_limit)
        ledger = service.ledger
        if state == "queued" and ledger.cancel(task_id, limit=limit, now=service.now):
            return call.success({})
        if state in ("queued", "running"):
            return call.refuse("InvalidAction.RunningTaskDeletion")
        if state == "cancelled":
            return call.refuse("InvalidAction.CancelledTaskDeletion")
        ledger.change(task_id, "is_deleted = 1")
        return call.success({})

    def _find(self, call: ArkCall, task_id: str) -> Row | None:
        row = self._service.ledger.find(task_id)
        is_theirs = row is not None and row.video and row.account == call.account
        is_ark = row is not None and row.req_key in VIDEO_MODELS
        known = row is not None and is_known(row, self._service.now)
        return row if is_theirs and is_ark and known else None

    def _shown(self, row: Row, host: str, kind: str) -> dict[str, object]:
        """
        The task as Ark shows it.

        Args:
            kind: The fault to inject, or ``""``.
        """
        service, order = self._service, VideoOrder.loads(row.video)
        state = {"unknown_status": "processing", "expired": "expired"}.get(
            kind, state_of(row, service.now)
        )
        found: dict[str, object] = {
            "id": row.task_id,
            "model": row.req_key,
            "status": state,
            "error": None,
            "created_at": int(row.accepted_at),
            "updated_at": int(changed_at(row, service.now)),
            "seed": row.seed,
            "resolution": order.resolution,
            "ratio": order.ratio,
            "framespersecond": FPS,
            "service_tier": order.asked.get("service_tier", "default"),
            "execution_expires_after": order.expires_after,
        }
        if "frames" in order.asked:
            found["frames"] = order.frames
        else:
            found["duration"] = order.seconds
        if "generate_audio" in VIDEO_MODELS[row.req_key].takes:
            found["generate_audio"] = order.audio
        if order.tag and service.settings.echo_tag:
            found["safety_identifier"] = order.tag
        if kind == "wrong_echo":
            found |= {"resolution": "480p", "ratio": "1:1"}
        if state == "failed":
            text = f"The simulator was asked for {row.outcome}."
            found["error"] = {"code": row.outcome, "message": text}
        if state == "succeeded":
            tokens = order.tokens
            found["usage"] = {"completion_tokens": tokens, "total_tokens": tokens}
            found["content"] = {}
            if kind != "done_but_empty":
                found["content"] = self._links(row, order, host, kind)
        return found

    def _links(
        self, row: Row, order: VideoOrder, host: str, kind: str
    ) -> dict[str, object]:
        service = self._service
        found: dict[str, object] = {"video_url": service.link(host, row, 0, kind)}
        if order.asked.get("return_last_frame") is True:
            found["last_frame_url"] = service.link(host, row, LAST_FRAME, kind)
        return found


def new_id(now: float) -> str:
    stamp = time.strftime("%Y%m%d%H%M%S", time.gmtime(now))
    return f"cgt-{stamp}-" + "".join(secrets.choice(ID_LETTERS) for _ in range(5))


def text_of(items: object) -> str:
    """The text of ``content``, as far as there is one."""
    found = [
        str(each.get("text", ""))
        for each in (items if isinstance(items, list) else [])
        if isinstance(each, Mapping) and each.get("type") == "text"
    ]
    return "\n".join(found)


def content_of(items: object, model: ArkVideoModel, name: str) -> Content:
    """
    Check the inputs.

    Raises:
        Invalid: one of them, or their combination, is not supported.
    """
    if not isinstance(items, list):
        raise Invalid("content")
    urls: list[tuple[str, str]] = []
    roles: list[str] = []
    for i, each in enumerate(items):
        kind = each.get("type") if isinstance(each, Mapping) else None
        if kind == "text" and isinstance(each.get("text"), str):
            continue
        if kind != "image_url":
            raise Invalid(f"content[{i}].type")
        holder, path = each.get("image_url"), f"content[{i}].image_url"
        url = holder.get("url") if isinstance(holder, Mapping) else None
        if not (isinstance(url, str) and is_url(url)):
            raise Invalid(path, f"invalid url specified in `{path}`")
        urls.append((path, url))
        roles.append(each.get("role") or "")
    text = text_of(items)
    if roles == [""]:
        roles = ["first_frame"]
    if "" in roles:
        raise Invalid("content", "role must be specified for `content`")
    check_roles(tuple(roles), model, name)
    if not urls and not text.strip():
        raise Invalid("content")
    pictures = tuple(picture_of(path, url) for path, url in urls)
    return Content(text, pictures, tuple(roles))


def check_roles(roles: tuple[str, ...], model: ArkVideoModel, name: str) -> None:
    references = roles.count(REFERENCE)
    if references == len(roles) <= model.max_references:
        return
    if roles == FRAMES[:1] or (sorted(roles) == list(FRAMES) and model.first_and_last):
        return
    raise Invalid(
        "content", f"the roles {', '.join(roles)} in `content` are not valid for {name}"
    )


def is_url(text: str) -> bool:
    if text.startswith("data:"):
        head, _, _ = text.partition(",")
        return head == head.lower() and head.startswith("data:image/")
    return text.startswith(("http://", "https://"))


def picture_of(path: str, url: str) -> InputPicture:
    try:
        (found,) = collect([url])
    except NotFetched:
        raise Invalid(path, f"Timeout while downloading url in `{path}`") from None
    except NoPicture:
        raise Invalid(path) from None
    if not found.mode:
        return found  # an external link, which is not fetched
    low, high = SIDES
    size = f"{found.width}x{found.height}"
    for name, side in (("width", found.width), ("height", found.height)):
        if not low <= side <= high:
            limit = f"at least {low}" if side < low else f"at most {high}"
            text = f"expected the {name} to be {limit}px, but received a {size}px image"
            raise Invalid(path, f"{text} in `{path}`")
    if not MIN_RATIO <= found.width / found.height <= MAX_RATIO:
        raise Invalid(path, f"the aspect ratio of `{path}` is not valid: {size}")
    if found.size >= MAX_BYTES:
        raise Invalid(path, f"`{path}` is too large")
    return found


def check_together(body: Body, content: Content) -> None:
    """
    Raises:
        Invalid: a field is not valid with these inputs.
    """
    with_frames = "first_frame" in content.roles
    newest = str(body["model"]).startswith("doubao-seedance-2-5")
    if newest and with_frames and body.get("ratio") not in (None, "adaptive"):
        raise Invalid("ratio", "the `ratio` follows the first-frame image")
    if body.get("camera_fixed") and REFERENCE in content.roles:
        raise Invalid("camera_fixed")


def ordered(
    model: ArkVideoModel, body: Body, content: Content
) -> tuple[tuple[int, int], VideoOrder]:
    """The size of the video, and what it is to be."""
    asked = model.obeyed(body, content.text)
    asked.pop("content")
    resolution = str(asked.get("resolution", model.default_resolution))
    adaptive = "adaptive" if model.adaptive or content.pictures else "16:9"
    ratio = str(asked.get("ratio", adaptive))
    if ratio == "adaptive":
        first = content.pictures[0] if content.pictures else InputPicture("")
        ratio = nearest_ratio(first.width or 16, first.height or 9)
    duration = asked.get("duration", DECIDED)
    seconds = duration if is_int(duration) and duration > 0 else DECIDED
    frames = FPS * seconds + 1
    if "frames" in model.takes and is_int(asked.get("frames")):
        frames = int(str(asked["frames"]))
    width, height = model.resolutions[resolution][ratio]
    hears = "generate_audio" in model.takes
    order = VideoOrder(
        resolution=resolution,
        ratio=ratio,
        frames=frames,
        audio=hears and asked.get("generate_audio") is not False,
        roles=content.roles,
        tokens=width * height * frames // 1024,
        tag=str(asked.get("safety_identifier", "")),
        expires_after=int(
            str(asked.get("execution_expires_after", DEFAULT_EXPIRES_AFTER))
        ),
        asked=asked,
    )
    return (width, height), order


def whole(query: Mapping[str, list[str]], name: str, default: int) -> int:
    """
    A number of the query.

    Raises:
        Invalid: it is not one from 1 to 500.
    """
    text = query.get(name, [str(default)])[0]
    if not text.isdigit() or not 1 <= int(text) <= MAX_PAGE:
        raise Invalid(name)
    return int(text)


def state_of(row: Row, now: float) -> str:
    if now < row.finished_at:
        return "queued" if now < row.started_at else "running"
    endings = {"done": "succeeded", "cancelled": "cancelled", "expired": "expired"}
    return endings.get(row.ending, "failed")


def changed_at(row: Row, now: float) -> float:
    times = (row.accepted_at, row.started_at, row.finished_at)
    return max(each for each in times if each <= now)


def is_known(row: Row, now: float) -> bool:
    """Whether the record has not been removed."""
    lasts = CANCELLED_RETENTION if row.outcome == "cancelled" else RETENTION
    since = row.finished_at if row.outcome == "cancelled" else row.accepted_at
    return not row.is_deleted and now < since + lasts
