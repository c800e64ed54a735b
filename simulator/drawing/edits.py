"""Draw the inputs of an edit into its output, so that they are recognisable."""

from PIL import Image, ImageDraw, ImageFilter, ImageOps

from simulator.drawing.marks import TOP_LEFT, mark_demo, write
from simulator.inputs import InputPicture, Order
from simulator.visual_models import EDGES

Size = tuple[int, int]
STRIP = 0.2  # height of the numbered pictures / shorter side
TINT = "#ff2fa0"  # of the repainted area
BORDER = "#ffd23f"  # around the original of an expanded picture
ERASE = "删除"


def apply(scene: Image.Image, order: Order, prompt: str) -> Image.Image:
    """
    Combine the drawn *scene* with the inputs.

    Args:
        scene: Has the size of the output.
    """
    first = order.pictures[0]
    match order.kind:
        case "inpainting":
            result = repainted(scene, first, order.mask, erases=prompt.strip() == ERASE)
        case "outpainting":
            result = expanded(scene, first, order)
        case "upscaling":
            result = fitted(first, scene.size)
        case "image-to-image":
            share = 0.5 if order.scale is None else order.scale
            result = Image.blend(fitted(first, scene.size), scene, 0.15 + 0.7 * share)
        case _:
            result = scene
    strip(result, order)
    if result is not scene or order.kind == "outpainting":
        mark_demo(result)  # the inputs cover the scene's mark
    return result


def fitted(picture: InputPicture, size: Size) -> Image.Image:
    return picture.image().convert("RGB").resize(size, Image.Resampling.LANCZOS)


def repainted(
    scene: Image.Image, first: InputPicture, mask: InputPicture | None, *, erases: bool
) -> Image.Image:
    """Replace the masked area by the scene, with a tinted border, or erase it."""
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
    # Pillow's edge filter also finds an edge along the picture's border.
    edge = ImageOps.expand(ImageOps.crop(edge, 2), 2, 0)
    original.paste(TINT, mask=edge)
    return original


def expanded(scene: Image.Image, first: InputPicture, order: Order) -> Image.Image:
    """Paste the original at its position, with a border."""
    top, bottom, left, right = (order.edges.get(name, 0) for name in EDGES)
    width, height = scene.width / (1 + left + right), scene.height / (1 + top + bottom)
    size = round(width), round(height)
    x, y = round(size[0] * left), round(size[1] * top)
    scene.paste(fitted(first, size), (x, y))
    box = (x, y, x + size[0] - 1, y + size[1] - 1)
    border = max(2, min(scene.size) // 250)
    ImageDraw.Draw(scene).rectangle(box, outline=BORDER, width=border)
    return scene


def strip(image: Image.Image, order: Order) -> None:
    """Draw the inputs along the top, with the numbers that prompts use."""
    pictures = [(f"图{i}", each) for i, each in enumerate(order.pictures, start=1)]
    if order.mask:
        pictures.append(("蒙版", order.mask))
    gap = max(4, min(image.size) // 60)
    side = min(STRIP * min(image.size), (image.width - gap) / len(pictures) - gap)
    edge = max(round(side), 8)
    for index, (name, each) in enumerate(pictures):
        small = ImageOps.pad(each.image().convert("RGB"), (edge, edge), color="#20242c")
        write(small, name, max(10.0, edge * 0.17), TOP_LEFT)
        small = ImageOps.expand(small, max(1, gap // 4), "#ffffff")
        image.paste(small, (gap + index * (edge + gap), gap))
