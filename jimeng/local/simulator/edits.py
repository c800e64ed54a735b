"""Orders of Visual with pictures: what is wrong with them, and what comes out."""

from collections.abc import Sequence

from jimeng.local.simulator.given import Given, Order
from jimeng.local.simulator.req_keys import (
    EDGES,
    RESOLUTIONS,
    Body,
    ReqKey,
    is_number,
)


def pictures_complaint(model: ReqKey, given: Sequence[Given]) -> str:
    """Say what is wrong with the pictures that came, or nothing."""
    for each in given:
        if not each.mode:
            continue  # a link to elsewhere, which is not fetched
        if each.size > model.max_bytes:
            return f"image file size exceeds {model.max_bytes}"
        if max(each.width, each.height) > model.max_side:
            return f"image size exceeds {model.max_side} * {model.max_side}"
        if model.input_ratio and each.ratio > model.input_ratio:
            return f"image aspect ratio must not exceed {model.input_ratio:g}"
    if model.kind == "inpainting":
        first, mask = given
        if (first.width, first.height) != (mask.width, mask.height):
            return "mask must be as large as the image"
        if mask.mode not in ("L", "1", ""):
            return "mask must have a single channel"
    return ""


def drawn_from(model: ReqKey, body: Body, given: Sequence[Given]) -> tuple[int, int]:
    """Width and height of what comes out, where that follows from what came."""
    width, height = given[0].width or 1024, given[0].height or 768
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
    """The pictures as they stand in the body: links or base64."""
    found = body.get("image_urls") or body.get("binary_data_base64") or []
    return [str(each) for each in found] if isinstance(found, list) else []


def order_of(body: Body, model: ReqKey, given: list[Given]) -> Order:
    scale = body.get("scale")
    low, high = model.scale or (0, 1)
    return Order(
        model.kind,
        tuple(given[:1] if model.kind == "inpainting" else given),
        given[1] if model.kind == "inpainting" else None,
        (scale - low) / (high - low) if is_number(scale) else None,
        {name: float(str(body[name])) for name in EDGES if name in body},
    )
