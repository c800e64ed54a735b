"""Pictures that are bombs, pages, archives or nothing; and what is served of them."""

import pytest

from jimeng.errors import PictureInvalid
from jimeng.pictures import inspect
from jimeng.pictures.decoding import MAX_FILL_BYTES, MAX_SCANS, end_of
from jimeng.providers import Progress
from tests.each import for_each
from tests.page import picture_of
from tests.rest import create
from tests.security.hostile_pictures import FILLED, JPEG, LACED, SCRIPT, TRAILED, scans

SAFE = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


@for_each("what", FILLED)
def test_filling_is_refused_before_pillow_sees_it(what):
    """It took it seconds, and a user who sent eight of them held up all others."""
    with pytest.raises(PictureInvalid, match="filling"):
        end_of(FILLED[what])


def test_usual_picture_is_taken():
    """Some encoders align their segments; none makes as many scans as are bound."""
    assert inspect(scans(MAX_SCANS // 2)).width == 512
    filled = JPEG[:2] + b"\xff" * (MAX_FILL_BYTES // 2) + JPEG[2:]

    assert inspect(filled).content == filled


@for_each("what", TRAILED)
def test_what_stands_behind_a_picture_is_not_kept(what):
    """It has been paid for, so it is kept, up to its own end."""
    plain, trailed = TRAILED[what]

    kept = inspect(trailed)

    assert (kept.content, kept.sha256) == (plain, inspect(plain).sha256)


@for_each("kind", LACED)
def test_script_within_a_picture_stays_a_picture(kind, client, provider, work_off):
    """
    It is served as what it was decoded as, and a browser may not guess or run. Another
    ending does not make a page of it.
    """
    content, content_type = LACED[kind]
    provider.polls = [Progress("remote-1", done=True, images=(content,))]
    task_id = create(client, user_id="guest")
    work_off()
    path = picture_of(client, task_id)

    answer = client.get(path)

    assert SCRIPT in answer.data
    assert answer.content_type == content_type
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == SAFE
    stem = path.rpartition(".")[0]
    thumbnail = client.get(f"{stem}/thumb.webp")
    assert thumbnail.content_type == "image/webp"
    assert SCRIPT not in thumbnail.data
    for ending in ("html", "svg", "js", "htm", "xml", "gif"):
        answer = client.get(f"{stem}.{ending}")
        assert answer.status_code == 404
        assert SCRIPT not in answer.data
