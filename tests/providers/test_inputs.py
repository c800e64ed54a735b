"""What goes in with a submission beside words."""

from dataclasses import replace

from jimeng.providers import Expansion, ImageRequest, InputPicture


def test_expansion_grows_each_side_by_its_shares():
    """A share is of the side that it lies along, and none of them is nothing."""
    wide = Expansion(left=0.3889, right=0.3889)

    assert wide.applied(1000, 1000) == (1778, 1000)
    assert Expansion(top=0.5, bottom=0.25).applied(640, 400) == (640, 700)
    assert (bool(wide), bool(Expansion())) == (True, False)


def test_pictures_do_not_show_in_what_is_logged():
    """Neither their bytes nor the link under which they can be had."""
    picture = InputPicture(b"secret bytes", "image/png", 8, 8, "https://here/in/token")
    request = ImageRequest("key", "words", 8, 8, None, inputs=(picture,), mask=picture)

    assert "secret" not in repr(request)
    assert "token" not in repr(request)


def test_pictures_have_time_to_be_sent():
    """As their bytes need in base64; what travels as a link needs none."""
    picture = InputPicture(bytes(3_000_000), "image/png", 8, 8)
    linked = replace(picture, link="https://here/in/token")
    request = ImageRequest("key", "words", 8, 8, None)

    assert request.sending == 0
    assert replace(request, inputs=(picture,)).sending == 10 + 40
    assert replace(request, inputs=(picture,), mask=picture).sending == 10 + 80
    assert replace(request, inputs=(linked,)).sending == 0


def test_text_of_a_picture_is_made_once():
    """Before anything is written of a submission; later it is only put in."""
    picture = InputPicture(b"bytes", "image/png", 8, 8)

    assert picture.text == "Ynl0ZXM="
    assert picture.text is picture.text
