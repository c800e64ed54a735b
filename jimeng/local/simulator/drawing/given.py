"""Draws what an order does with pictures, so that one sees which came and how."""

from PIL import Image, ImageDraw, ImageFilter, ImageOps

from jimeng.local.simulator.drawing.finish import mark
from jimeng.local.simulator.drawing.mark import lettering
from jimeng.local.simulator.given import Given, Order

Size = tuple[int, int]
STRIP = 0.2  # of the shorter side: how high the numbered pictures are
TINT = "#ff2fa0"  # of what is painted anew
BORDER = "#ffd23f"  # around what was there before the picture grew
ERASE = "删除"


def apply(scene: Image.Image, order: Order, prompt: str) -> Image.Image:
    """
    The *scene* that was drawn, together with what came.

    Args:
        scene: As large as what comes out.
    """
    first = order.pictures[0]
    match order.kind:
        case "inpainting":
            made = repainted(scene, first, order.mask, erases=prompt.strip() == ERASE)
        case "outpainting":
            made = expanded(scene, first, order)
        case "upscaling":
            made = fitted(first, scene.size)
        case "image-to-image":
            share = 0.5 if order.scale is None else order.scale
            made = Image.blend(fitted(first, scene.size), scene, 0.15 + 0.7 * share)
        case _:
            made = scene
    strip(made, order)
    if made is not scene or order.kind == "outpainting":
        mark(made, min(made.size) / 1000)  # what came covers that of the scene
    return made


def fitted(given: Given, size: Size) -> Image.Image:
    return given.image().convert("RGB").resize(size, Image.Resampling.LANCZOS)


def repainted(
    scene: Image.Image, first: Given, mask: Given | None, *, erases: bool
) -> Image.Image:
    """The scene where the mask says so, tinted at its border; or nothing there."""
    original = fitted(first, scene.size)
    if mask is None:
        return original
    where = mask.image().convert("L").resize(scene.size, Image.Resampling.NEAREST)
    unit = max(3, round(0.008 * min(scene.size)) | 1)
    if erases:
        scene = original.filter(ImageFilter.GaussianBlur(unit * 6))
    else:
        scene = Image.blend(scene, Image.new("RGB", scene.size, TINT), 0.18)
    original.paste(scene, mask=where)
    edge = where.filter(ImageFilter.FIND_EDGES).filter(ImageFilter.MaxFilter(unit))
    # Pillow finds an edge all around a picture.
    inner = Image.new("L", scene.size, 0)
    inner.paste(edge.crop((2, 2, scene.width - 2, scene.height - 2)), (2, 2))
    original.paste(TINT, mask=inner)
    return original


def expanded(scene: Image.Image, first: Given, order: Order) -> Image.Image:
    """The original in its place, with a line around it."""
    edges = order.edges
    across = 1 + edges.get("left", 0) + edges.get("right", 0)
    down = 1 + edges.get("top", 0) + edges.get("bottom", 0)
    size = round(scene.width / across), round(scene.height / down)
    x = round(size[0] * edges.get("left", 0))
    y = round(size[1] * edges.get("top", 0))
    scene.paste(fitted(first, size), (x, y))
    width = max(2, min(scene.size) // 250)
    box = (x, y, x + size[0] - 1, y + size[1] - 1)
    ImageDraw.Draw(scene).rectangle(box, outline=BORDER, width=width)
    return scene


def strip(image: Image.Image, order: Order) -> None:
    """The pictures in their order along the top, numbered as words call them."""
    given = [(f"图{i}", each) for i, each in enumerate(order.pictures, start=1)]
    if order.mask:
        given.append(("蒙版", order.mask))
    gap = max(4, min(image.size) // 60)
    side = min(STRIP * min(image.size), (image.width - gap) / len(given) - gap)
    edge = max(round(side), 8)
    for place, (name, each) in enumerate(given):
        x, y = gap + place * (edge + gap), gap
        small = ImageOps.pad(each.image().convert("RGB"), (edge, edge), color="#20242c")
        image.paste(small, (x, y))
        ImageDraw.Draw(image).rectangle(
            (x, y, x + edge, y + edge), outline="#ffffff", width=max(1, gap // 4)
        )
        label(image, (x, y), name, edge)


def label(image: Image.Image, at: Size, name: str, edge: int) -> None:
    size = max(10.0, edge * 0.22)
    font, text = lettering(name, size)
    if text != name:  # no font for Chinese
        text = name.replace("图", "#").replace("蒙版", "mask")
    box = (*at, at[0] + round(font.getlength(text) + size), at[1] + round(size * 1.5))
    draw = ImageDraw.Draw(image)
    draw.rectangle(box, fill="#101522")
    middle = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    draw.text(middle, text, fill="#ffffff", font=font, anchor="mm")
