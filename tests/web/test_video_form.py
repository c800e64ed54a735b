"""The form for videos: what it offers, what it asks for, and where it leads."""

import io
import re
from dataclasses import replace

import pytest

from jimeng.documents import Generation, Image, Task
from jimeng.documents.image import GONE
from jimeng.providers import Registry
from tests.conftest import FakeProvider, png
from tests.each import for_each
from tests.hung import hang
from tests.hung_videos import hang_video
from tests.page import HTMX, POST

PAGE = "/?make=video"
JIMENG, PRO = "jimeng-video-3.0", "jimeng-video-3.0-pro"
FORM = {"prompt": "灯笼随风轻摆", "model": JIMENG, "duration": "10", "n": "1"}


@pytest.fixture
def registry(provider: FakeProvider) -> Registry:
    """Pictures and videos of both services."""
    both = ("volcengine_jimeng", "volcengine_ark")
    return Registry(dict.fromkeys(both, provider), dict.fromkeys(both, 2))


def create(client, *, htmx: bool = False, **fields):
    """Send the form; fields of None are left out."""
    data = {k: v for k, v in {**FORM, **fields}.items() if v is not None}
    return client.post("/videos", data=data, headers={**POST, **(HTMX if htmx else {})})


def change(client, *, htmx: bool = True, **fields):
    """Choose something."""
    data = {k: v for k, v in {**FORM, **fields}.items() if v is not None}
    headers = {**POST, **(HTMX if htmx else {})}
    return client.post("/composer/video", data=data, headers=headers)


def offered(page, name: str) -> list[str]:
    """The values of a menu."""
    menu = re.search(rf'<select [^>]*name="{name}".*?</select>', page.text, re.S)
    return re.findall(r'<option value="([^"]*)"', menu[0]) if menu else []


def chosen(page, name: str) -> str | None:
    menu = re.search(rf'<select [^>]*name="{name}".*?</select>', page.text, re.S)
    found = re.search(r'<option value="([^"]*)" selected', menu[0]) if menu else None
    return found[1] if found else None


def cost(page) -> str:
    return re.search(r'id="cost"[^>]*>([^<]*)<', page.text)[1]


def only_task() -> Task:
    (task,) = Task.find_all({})
    return task


def test_two_forms_with_an_address_each(client):
    """A link leads to the other; the scripts are those of the one that is shown."""
    pictures, videos = client.get("/"), client.get(PAGE)

    assert 'href="/?make=video"' in pictures.text
    assert 'action="/tasks"' in pictures.text and "tray.js" in pictures.text
    assert 'action="/videos"' in videos.text and "tray.js" not in videos.text
    assert '<a href="/?make=video" title="视频" aria-current="page">' in videos.text
    models = re.findall(r'type="radio" name="model" value="([^"]*)"', videos.text)
    assert models[0] == JIMENG and PRO in models
    assert offered(videos, "duration") == ["5", "10"]
    assert chosen(videos, "ratio") == "16:9"
    # An empty page offers prompts, of pictures.
    assert "?prompt=" in pictures.text and "?prompt=" not in videos.text


def test_video_is_asked_for_without_a_script(client):
    """The form that follows is as it was, without the words of the style."""
    answer = create(client, ratio="9:16", n="2", style="ink", style_own="")

    task = only_task()
    asked = {"duration": 10, "resolution": "720p", "ratio": "9:16", "roles": []}
    assert (task.type, task.video) == ("video", asked)
    assert task.prompt.startswith("灯笼随风轻摆，") and len(task.prompt) > 8
    assert (task.n, task.width, task.height) == (2, 704, 1248)
    assert (task.input["duration"], task.input["style"]) == (10, "ink")
    assert answer.status_code == 303
    page = client.get(answer.location, follow_redirects=True)
    query = page.request.query_string
    assert query.startswith(b"again=") or b"make=video" in query
    assert chosen(page, "duration") == "10" and chosen(page, "ratio") == "9:16"
    assert re.search(r'name="style" value="ink"[^>]* checked', page.text)
    assert "灯笼随风轻摆</textarea>" in page.text
    # The next form begins with these settings, and not with words and pictures.
    for path in (PAGE, "/?make=video&first_frame=nothing"):
        page = client.get(path)
        assert (chosen(page, "duration"), chosen(page, "n")) == ("10", "2")
        assert "灯笼随风轻摆</textarea>" not in page.text
    assert Generation.find_all({})[0].kind == "video"


def test_card_comes_to_the_top_of_the_feed(client):
    """With htmx; sent twice, it is made once."""
    token = "form-0123456789"
    first = create(client, htmx=True, token=token)
    second = create(client, htmx=True, token=token)

    task = only_task()
    assert f'<article id="task-{task.id}"' in first.text
    assert "1248×704 · 10 秒" in first.text
    assert second.headers["HX-Refresh"] == "true"


@for_each("htmx", [False, True])
def test_alternatives_are_sent_as_written_by_choice_alone(client, htmx):
    """There is no batch of videos here, so one button is left, and no script."""
    words = "灯笼{红|蓝}"

    page = create(client, htmx=htmx, prompt=words)

    assert page.status_code == 422 and Task.find_all({}) == []
    assert "不会按 {a|b} 逐一生成" in page.text
    assert 'name="literal" value="1"' in page.text
    create(client, htmx=htmx, prompt=words, literal="1")
    assert only_task().prompt == words
    Task.collection().delete_many({})


def test_frames_and_references_do_not_go_together(client):
    """With one of them, there is no place for the other."""
    (picture,) = hang("一只猫")
    seedance = {"model": "doubao-seedance-2.0"}

    def places(**given: str) -> list[str]:
        page = change(client, **seedance, **given).text
        return re.findall(r'type="file" name="(\w+)_file"', page)

    assert places() == ["first_frame", "last_frame", "reference"]
    assert places(first_frame=picture) == ["last_frame"]
    assert places(reference=picture) == ["reference"]


def test_unsent_choices_are_there_again(client):
    """The cookie that the page's script writes; another user's counts for nothing."""
    (picture,) = hang("一只猫")
    words = f"model={JIMENG}&duration=10&first_frame={picture}&style=ink&who="
    client.set_cookie("video", words)

    page = client.get(PAGE)

    assert chosen(page, "duration") == "10"
    assert f'name="first_frame" value="{picture}"' in page.text
    assert re.search(r'name="style" value="ink"[^>]* checked', page.text)
    client.set_cookie("video", words + "ada")
    assert chosen(client.get(PAGE), "duration") == "5"


def test_choices_are_fitted_to_the_model(client):
    """What the other does not have is its default; the price follows."""
    page = change(client, model=PRO, duration="7", resolution="480p", ratio="2:1")

    assert chosen(page, "duration") in {"5", "10"}
    assert chosen(page, "ratio") == "16:9"
    assert offered(page, "camera") == []
    assert 'hx-swap-oob="true"' in page.text and 'id="prompt"' not in page.text
    assert cost(change(client, duration="5")) == "¥1.40"
    assert cost(change(client, duration="10")) == "¥2.80"
    assert cost(change(client, duration="10", n="2")) == "×2 · ¥5.60"
    assert cost(change(client, duration="5", model=PRO)) == "¥5.00"
    assert cost(change(client, prompt="", duration="5")) == "¥1.40"


def test_picture_is_animated(client):
    """From the stage and the card: it is the first frame, whose ratio rules."""
    (picture,) = hang("一只猫")
    link = f'href="/?make=video&amp;first_frame={picture}"'
    for place in (f"/pictures/{picture}", "/", "/gallery"):
        assert link in client.get(place).text

    page = client.get(f"/?make=video&first_frame={picture}")
    assert f'name="first_frame" value="{picture}"' in page.text
    create(client, first_frame=picture, prompt="", ratio="adaptive")

    (task,) = Task.find_all({"type": "video"})
    assert task.video["roles"] == ["first_frame"]
    assert task.made_from[0]["picture"] == picture
    assert task.req_key == "jimeng_i2v_first_v30"
    again = client.get(f"/?make=video&again={task.id}")
    assert f'name="first_frame" value="{task.inputs[0]}"' in again.text


def test_camera_moves_from_a_first_frame_alone(client):
    """Only then it is offered, with how strongly."""
    (picture,) = hang("一只猫")
    assert offered(change(client), "camera") == []

    page = change(client, first_frame=picture, camera="robo_arm")
    create(client, first_frame=picture, camera="robo_arm", camera_strength="weak")

    assert chosen(page, "camera") == "robo_arm"
    assert offered(page, "camera_strength") == ["weak", "medium", "strong"]
    (task,) = Task.find_all({"type": "video"})
    assert task.video["camera"] == "robo_arm"
    assert task.video["camera_strength"] == "weak"


def test_video_goes_on_where_its_last_frame_is_stored(client):
    video = hang_video()
    link = f"/?make=video&amp;first_frame={video.id}"
    for place in (f"/pictures/{video.id}", "/", "/gallery"):
        assert link in client.get(place).text
    Image.change({"_id": video.id}, {"last_frame_id": GONE})

    for place in (f"/pictures/{video.id}", "/", "/gallery"):
        assert link not in client.get(place).text
    assert "没有保存，所以不能接着生成" in client.get(f"/pictures/{video.id}").text


def settings_of_link(client, image_id: str) -> tuple:
    """What the form for a video that begins with this picture is filled with."""
    page = client.get(f"/?make=video&first_frame={image_id}")
    assert f'name="first_frame" value="{image_id}"' in page.text
    model = re.search(r'type="radio" name="model" value="([^"]+)" checked', page.text)
    menus = ("duration", "resolution", "ratio", "audio", "n")
    return model[1], *(chosen(page, name) for name in menus), page


SEEDANCE = "doubao-seedance-1.5-pro"
LANE = "volcengine_ark:doubao-seedance-1-5-pro-251215"
OF_CLIP = {"duration": 8, "resolution": "480p", "ratio": "9:16", "audio": True}


def hang_clip() -> Image:
    """A video with settings that no other form has."""
    clip = hang_video("海浪", model=SEEDANCE)
    asked = {"lane": LANE, "video": OF_CLIP, "n": 2}
    Task.collection().update_one({"_id": clip.task_id}, {"$set": asked})
    return clip


def test_video_goes_on_with_its_own_settings(client):
    """Neither those of the last form nor those left unsent, and no words at all."""
    clip = hang_clip()
    create(client, model=JIMENG, duration="10", prompt="另一段")
    unsent = "doubao-seedance-2.0"
    client.set_cookie("video", f"model={unsent}&ratio=3:4&prompt=没发&who=")

    *found, page = settings_of_link(client, clip.id)

    assert found == [SEEDANCE, "8", "480p", "9:16", "1", "2"]
    assert "另一段</textarea>" not in page.text and "没发" not in page.text
    assert "已换用" not in page.text
    # A picture has no settings of a video: those left unsent, or of the last form.
    (picture,) = hang("一只猫")
    model, _, _, ratio, *_, page = settings_of_link(client, picture)
    assert (model, ratio) == (unsent, "adaptive") and "没发" not in page.text


def test_video_goes_on_with_the_next_model_where_its_own_cannot(client, registry):
    """Which is said, with the reason; the settings are the nearest of that model."""
    clip, model = hang_clip(), registry.models[LANE]
    video = replace(model.video, first_frame=False)
    registry.offer((registry.models | {LANE: replace(model, video=video)}).values())

    other, seconds, *_, page = settings_of_link(client, clip.id)

    assert (other, seconds) == ("doubao-seedance-2.0", "8")
    reason = "Seedance 1.5 Pro 不能从图片开始，已换用 Seedance 2.0"
    assert reason in page.text
    assert reason not in change(client, model=other, first_frame=clip.id).text
    registry.offer(m for m in [*registry.models.values()] if m.lane != LANE)
    page = settings_of_link(client, clip.id)[-1]
    assert "原来的模型已不再提供，已换用" in page.text


def test_files_are_frames(client):
    """Chosen, they are stored; another first frame takes the place of the first."""

    def file(colour: str) -> tuple:
        return io.BytesIO(png(640, 360, colour)), f"{colour}.png"

    page = change(
        client, model="doubao-seedance-2.0", ratio="16:9", first_frame_file=file("teal")
    )
    assert chosen(page, "ratio") == "adaptive"
    (first,) = re.findall(r'name="first_frame" value="([^"]+)"', page.text)
    page = change(
        client,
        first_frame=first,
        first_frame_file=file("red"),
        last_frame_file=file("blue"),
    )
    (other,) = re.findall(r'name="first_frame" value="([^"]+)"', page.text)
    (last,) = re.findall(r'name="last_frame" value="([^"]+)"', page.text)
    page = change(
        client, first_frame=other, last_frame=last, remove=f"last_frame {last}"
    )

    assert other != first
    assert f'value="{other}"' in page.text and f'value="{last}"' not in page.text


def test_upload_is_animated(client):
    upload = {"file": (io.BytesIO(png(640, 360)), "a.png")}
    part = client.post("/inputs", data=upload, headers=POST).text
    (stage, name) = re.search(r'href="(/inputs/([^"/]+)/edit)"', part).groups()

    link = f"/?make=video&first_frame={name}"
    assert link.replace("&", "&amp;") in client.get(stage).text
    assert f'name="first_frame" value="{name}"' in client.get(link).text


def test_files_go_with_the_form_without_a_script(client):
    answer = create(
        client,
        first_frame_file=(io.BytesIO(png(640, 360)), "a.png"),
        last_frame_file=(io.BytesIO(png(640, 360, "red")), "b.png"),
    )

    assert answer.status_code == 303
    task = only_task()
    assert task.video["roles"] == ["first_frame", "last_frame"]
    assert len(task.inputs) == 2


@for_each(
    ("fields", "words"),
    [
        ({"prompt": ""}, "请写下"),
        ({"duration": "x"}, "时长"),
        ({"duration": "7"}, "时长"),
        ({"ratio": "5:1"}, "比例"),
        ({"seed": "-5"}, "种子"),
        ({"n": "0"}, "数量"),
        ({"camera": "nowhere"}, "运镜"),
        ({"first_frame": "nothing"}, "图片"),
        ({"model": "nothing"}, "模型"),
        # It obeys flags in the words, which would change the price.
        ({"model": "doubao-seedance-1.0-pro", "style_own": "胶片 --rs 1080p"}, "--rs"),
    ],
)
def test_what_is_wrong_is_said_beside_it(client, fields, words):
    answer = create(client, htmx=True, **fields)

    assert answer.status_code == 422
    assert answer.headers["HX-Retarget"] == "#composer"
    (said,) = set(re.findall(r'<p class="error">([^<]+)</p>', answer.text))
    assert words in said
    assert Task.find_all({}) == []


def test_other_forms_page_is_gone_to(client):
    """What fills a form that the page does not have leads to that form's page."""
    video, (picture,) = hang_video(), hang("一只猫")
    task = video.task_id
    on_videos = {**HTMX, "HX-Current-URL": "http://localhost/?make=video"}

    answer = client.get(f"/composer?again={task}", headers=HTMX)
    assert answer.headers["HX-Redirect"] == f"/?again={task}"
    page = client.get(f"/?again={task}")
    assert page.location == f"/?again={task}&make=video"
    of_picture = picture.rpartition("_")[0]
    answer = client.get(f"/composer?again={of_picture}", headers=on_videos)
    assert answer.headers["HX-Redirect"] == f"/?again={of_picture}"
    answer = client.get(f"/composer/pictures/{picture}", headers=on_videos)
    assert answer.headers["HX-Redirect"] == f"/?image={picture}"


def test_without_video_models_there_is_one_form(client, monkeypatch):
    (picture,) = hang("一只猫")
    making = Registry.making

    def none_of_videos(self, makes: str, *more: object) -> list:
        return [] if makes == "video" else making(self, makes, *more)

    monkeypatch.setattr(Registry, "making", none_of_videos)

    page = client.get("/").text

    assert "make=video" not in page
    assert "make=video" not in client.get(f"/pictures/{picture}").text
    assert 'action="/tasks"' in client.get(PAGE).text
