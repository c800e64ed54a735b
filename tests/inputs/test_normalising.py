"""What is made of a picture that somebody gives."""

import pytest
from PIL import Image as Pillow
from PIL import ImageCms

from jimeng.errors import PictureInvalid
from jimeng.pictures import decoder, normalise
from tests import given_pictures as given
from tests.each import for_each
from tests.given_pictures import BLUE, RED, encoded, halves
from tests.inputs.test_going_in import opened
from tests.security.test_decoder import peak

MB = 2**20


def near(colour: object, wanted: tuple[int, ...], by: int = 12) -> bool:
    assert isinstance(colour, tuple)
    return all(abs(a - b) <= by for a, b in zip(colour, wanted, strict=False))


def is_upright(image: Pillow.Image) -> bool:
    """Red above, blue below."""
    across, down = image.width // 2, image.height // 4
    plain = image.convert("RGB")
    above, below = plain.getpixel((across, down)), plain.getpixel((across, 3 * down))
    return near(above, RED) and near(below, BLUE)


@for_each("turned", [3, 6, 8])
def test_photo_is_upright_and_says_nothing_of_where_it_was_taken(turned):
    """EXIF's rotation is applied, and all metadata is gone."""
    content = given.photo(turned)
    assert b"Maker of cameras" in content

    found = normalise(content)

    image = opened(found.content)
    assert (found.width, found.height) == (400, 300) == image.size
    assert (found.given_width, found.given_height) == (400, 300)
    assert is_upright(image)
    assert not image.getexif() and "comment" not in image.info
    for secret in (b"Exif", b"Maker", b"private words", b"GPS"):
        assert secret not in found.content


def test_first_picture_of_a_phones_file_is_taken():
    """The second one, green here, is of the same moment."""
    content = given.mpo()
    assert opened(content).format == "MPO"

    found = normalise(content)

    image = opened(found.content)
    assert (image.format, image.size) == ("JPEG", (320, 240))
    assert is_upright(image)
    assert b"MPF" not in found.content


def test_colours_of_others_are_those_of_screens():
    """Deep grey is scaled, and not cut, in even steps; so are colours of print."""
    image = opened(normalise(given.deep()).content).convert("L")
    steps = (0, 64, 128, 192, 255)
    assert all(abs(image.getpixel((x, 32)) - x) <= 4 for x in steps)
    printed = opened(normalise(given.cmyk()).content)
    assert printed.mode == "RGB" and is_upright(printed)


def test_profile_is_applied_and_dropped():
    """Numbers mean other colours under another profile."""
    profile = ImageCms.createProfile("LAB")
    wrong = ImageCms.ImageCmsProfile(profile).tobytes()
    swapped = swapped_profile()

    plain = opened(normalise(encoded(halves(64, 64), "PNG")).content)
    other = normalise(encoded(halves(64, 64), "PNG", icc_profile=swapped))
    ignored = normalise(encoded(halves(64, 64), "PNG", icc_profile=wrong))

    image = opened(other.content)
    assert "icc_profile" not in image.info
    assert not near(image.getpixel((32, 8)), RED)  # brighter by the profile
    assert near(opened(ignored.content).getpixel((32, 8)), plain.getpixel((32, 8)))


def swapped_profile() -> bytes:
    """sRGB with a gamma of its own: every curve of it is a straight line."""
    content = bytearray(
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    )
    count = int.from_bytes(content[128:132], "big")
    for at in range(132, 132 + 12 * count, 12):
        if content[at : at + 4] in (b"rTRC", b"gTRC", b"bTRC"):
            place = int.from_bytes(content[at + 4 : at + 8], "big")
            content[place : place + 12] = b"curv" + bytes(8)  # no entries: a gamma of 1
    return bytes(content)


def test_what_is_clear_stays_clear():
    """PNG where a pixel has alpha; else JPEG. Twice is as once, to the pixel."""
    found = normalise(given.clear())
    opaque = normalise(encoded(halves(64, 64).convert("RGBA"), "PNG"))

    image = opened(found.content)
    assert (found.alpha, found.content_type, image.mode) == (True, "image/png", "RGBA")
    assert image.getpixel((20, 20))[3] == 0 and image.getpixel((60, 60))[3] == 255
    assert (opaque.alpha, opaque.content_type) == (False, "image/jpeg")
    again = normalise(found.content)
    assert (again.width, again.height, again.alpha) == (64, 64, True)
    assert opened(again.content).tobytes() == image.tobytes()
    # So does a colour of a palette.
    image = Pillow.new("P", (64, 64), 1)
    image.putpalette([0, 0, 0, 200, 20, 20])
    image.paste(0, (0, 0, 32, 64))
    found = normalise(encoded(image, "PNG", transparency=0))
    assert found.alpha
    assert opened(found.content).getpixel((5, 5))[3] == 0


@for_each(
    ("content", "size", "uploaded_size"),
    [
        (lambda: encoded(halves(5000, 2500), "JPEG"), (4096, 2048), (5000, 2500)),
        (lambda: encoded(halves(2050, 4100), "PNG"), (2048, 4096), (2050, 4100)),
        (lambda: encoded(halves(4096, 40), "WEBP"), (4096, 40), (4096, 40)),
        # A JPEG is decoded at a half or less; anything else of that size is not.
        (
            lambda: encoded(halves(10_000, 10_000), "JPEG", quality=40),
            *((4096, 4096), (10_000, 10_000)),
        ),
    ],
)
def test_large_ones_become_smaller(content, size, uploaded_size):
    """At most 4096 a side, in the same shape; how large it was is known."""
    found = normalise(content())

    assert (found.width, found.height) == size == opened(found.content).size
    assert (found.given_width, found.given_height) == uploaded_size
    assert is_upright(opened(found.content))


@for_each("reason", given.HOSTILE)
def test_what_is_no_picture_is_refused_and_takes_no_memory(reason):
    """With the reason, and the process that decodes goes on as it was."""
    content = given.HOSTILE[reason]()
    normalise(given.photo())
    process = decoder.decoder._process
    assert process is not None
    before = peak(process.pid)

    with pytest.raises(PictureInvalid) as refused:
        normalise(content)

    assert refused.value.reason == reason
    assert decoder.decoder._process is process and process.poll() is None
    assert peak(process.pid) - before < 40 * MB
