"""Input pictures of a request: fetched, checked, and edited."""

import base64
import binascii
import hashlib
import io
import json
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from urllib.parse import urlsplit

from PIL import Image

from simulator.visual_models import (
    EDGES,
    RESOLUTIONS,
    Body,
    ReqKey,
    is_number,
)

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
FETCH_TIMEOUT_S = 5.0  # seconds, as in Ark
MAX_FETCHED = 32 * 1024 * 1024  # bytes
STORED_SIDE_PX = 1024  # pixels; longer side of the copy stored for drawing
DATA_URL = "data:image/"
MAX_PIXELS = 64_000_000
SAME_RATIO = 0.02  # relative difference of two that count as the same
BROKEN = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)


class NotFetched(Exception):
    """A link could not be fetched in time."""


class NoPicture(Exception):
    """The bytes are not a picture."""


@dataclass(frozen=True)
class InputPicture:
    """
    An input picture.

    Attributes:
        sha256: The hash of its bytes; of the URL for an external link, which is not
            fetched.
        size: In bytes.
        mode: Pillow's mode, such as RGB; empty if it was not fetched.
        picture: A scaled-down copy, in base64.
    """

    sha256: str
    width: int = 0
    height: int = 0
    size: int = 0
    mode: str = ""
    picture: str = ""

    @property
    def ratio(self) -> float:
        short, long = sorted((self.width, self.height))
        return long / short if short else 1.0

    def image(self) -> Image.Image:
        """Decode the stored copy; plain grey if it was not fetched."""
        if not self.picture:
            return Image.new("RGB", (400, 300), "#7a828f")
        with Image.open(io.BytesIO(base64.b64decode(self.picture))) as found:
            found.load()
            return found


@dataclass(frozen=True)
class Order:
    """
    The inputs of a submission, besides its prompt.

    Attributes:
        kind: The operation on the pictures; empty if there are none.
        scale: As received.
        edges: Edge -> share of the side by which the picture is expanded there.
    """

    kind: str = ""
    pictures: tuple[InputPicture, ...] = ()
    mask: InputPicture | None = None
    scale: float | None = None
    edges: Mapping[str, float] = field(default_factory=dict)

    def dumps(self) -> str:
        return json.dumps(asdict(self)) if self.pictures else ""

    @classmethod
    def loads(cls, text: str) -> "Order":
        if not text:
            return cls()
        found = json.loads(text)
        found["pictures"] = tuple(InputPicture(**each) for each in found["pictures"])
        found["mask"] = InputPicture(**found["mask"]) if found["mask"] else None
        return cls(**found)

    def listed(self) -> list[dict[str, object]]:
        """The input pictures in order, a mask last, for the ledger."""
        all_of_them = [*self.pictures, *([self.mask] if self.mask else [])]
        return [
            {name: value for name, value in vars(each).items() if name != "picture"}
            for each in all_of_them
        ]


def collect(texts: Iterable[str]) -> list[InputPicture]:
    """
    Load the inputs of a submission: links, data URLs, or plain base64.

    Raises:
        NotFetched: a local link could not be fetched within five seconds.
        NoPicture: one of them is not a picture.
    """
    return [inspect_input(*content_of(text)) for text in texts]


def content_of(text: str) -> tuple[bytes | None, str]:
    """The bytes (None for a link that is not fetched), and their origin."""
    if text.startswith(("http://", "https://")):
        return (fetch(text) if is_local(text) else None), text
    _, _, code = text.rpartition(",") if text.startswith(DATA_URL) else ("", "", text)
    try:
        return base64.b64decode(code, validate=True), ""
    except (ValueError, binascii.Error):
        raise NoPicture from None


def is_local(url: str) -> bool:
    """Whether *url* may be fetched: a demo connects to this machine only."""
    try:
        parts = urlsplit(url)
        return parts.scheme == "http" and parts.hostname in LOOPBACK and parts.port != 0
    except ValueError:
        return False


def fetch(url: str) -> bytes:
    try:
        # A local URL, as checked by `is_local`.
        with urllib.request.urlopen(url, timeout=FETCH_TIMEOUT_S) as answer:  # noqa: S310
            return answer.read(MAX_FETCHED)
    except (OSError, urllib.error.HTTPError) as error:
        raise NotFetched(url) from error


def inspect_input(content: bytes | None, link: str) -> InputPicture:
    if content is None:
        return InputPicture(hashlib.sha256(link.encode()).hexdigest())
    try:
        with Image.open(io.BytesIO(content), formats=["JPEG", "PNG"]) as image:
            if image.width * image.height > MAX_PIXELS:
                raise NoPicture
            size, mode = image.size, image.mode
            small = image.convert("L" if mode in ("1", "L") else "RGB")
            small.thumbnail((STORED_SIDE_PX, STORED_SIDE_PX))
    except BROKEN:
        raise NoPicture from None
    out = io.BytesIO()
    small.save(out, "PNG" if mode in ("1", "L") else "JPEG", quality=88)
    digest = hashlib.sha256(content).hexdigest()
    code = base64.b64encode(out.getvalue()).decode()
    return InputPicture(digest, *size, len(content), mode, code)


def pictures_complaint(model: ReqKey, pictures: Sequence[InputPicture]) -> str:
    """Describe the first invalid input picture; empty if all are valid."""
    for each in pictures:
        if not each.mode:
            continue  # an external link, which is not fetched
        if each.size > model.max_bytes:
            return f"image file size exceeds {model.max_bytes}"
        if max(each.width, each.height) > model.max_side:
            return f"image size exceeds {model.max_side} * {model.max_side}"
        if min(each.width, each.height) < model.min_side:
            return f"image size must be at least {model.min_side} * {model.min_side}"
        if model.input_ratio and each.ratio > model.input_ratio:
            return f"image aspect ratio must not exceed {model.input_ratio:g}"
    if (
        model.kind == "video"
        and len(pictures) == 2
        and all(each.mode for each in pictures)
    ):
        one, other = (each.width / each.height for each in pictures)
        if abs(one / other - 1) > SAME_RATIO:
            return "the images must have the same aspect ratio"
    if model.kind == "inpainting":
        first, mask = pictures
        if (first.width, first.height) != (mask.width, mask.height):
            return "mask must be as large as the image"
        if mask.mode not in ("L", "1", ""):
            return "mask must have a single channel"
    return ""


def output_size_from(
    model: ReqKey, body: Body, pictures: Sequence[InputPicture]
) -> tuple[int, int]:
    """Width and height of the output, where they follow from the inputs."""
    width, height = pictures[0].width or 1024, pictures[0].height or 768
    if model.kind == "outpainting":
        shares = {name: float(str(body.get(name, 0))) for name in EDGES}
        width = round(width * (1 + shares["left"] + shares["right"]))
        height = round(height * (1 + shares["top"] + shares["bottom"]))
    if model.kind == "upscaling":
        long = RESOLUTIONS[str(body.get("resolution", "4k"))]
        share = long / max(width, height)
        return round(width * share), round(height * share)
    return width, height


def texts_of(body: Body) -> list[str]:
    """The input pictures as contained in the body: links or base64."""
    found = body.get("image_urls") or body.get("binary_data_base64") or []
    return [str(each) for each in found] if isinstance(found, list) else []


def order_of(body: Body, model: ReqKey, pictures: list[InputPicture]) -> Order:
    scale = body.get("scale")
    low, high = model.scale or (0, 1)
    return Order(
        model.kind,
        tuple(pictures[:1] if model.kind == "inpainting" else pictures),
        pictures[1] if model.kind == "inpainting" else None,
        (scale - low) / (high - low) if is_number(scale) else None,
        {name: float(str(body[name])) for name in EDGES if name in body},
    )
