"""Pages of batches: asking, with pictures too, following, and what can be done."""

import io
import re
from datetime import UTC, datetime
from html import unescape

import pytest

from jimeng.batches import queries
from jimeng.batches.capacity import WINDOW
from jimeng.documents import Batch, Input, Task
from jimeng.errors import Invalid, ProviderError
from jimeng.web.batches import views
from tests import given_pictures as given
from tests.batches.conftest import lines, work_all
from tests.inputs.test_going_in import I2I
from tests.page import POST, ids
from tests.rest import create

__all__ = ["work_all"]

PART = {**POST, "HX-Request": "true"}
KIND = "multipart/form-data"  # as the page sends it
FORM = {"size": "1:1", "n": "1", "token": "form-many"}


def send(client, template: str, **fields):
    data = {**FORM, "template": template, **fields}
    return client.post("/batches/new", data=data, headers=POST, content_type=KIND)


def made(client, template: str, **fields) -> str:
    """Ask for a batch; return the address of its page."""
    answer = send(client, template, **fields)
    assert answer.status_code == 303, answer.text
    return answer.location.partition("?")[0]


def preview(client, template: str, **fields) -> str:
    data = {**FORM, "template": template, **fields}
    answer = client.post("/batches/preview", data=data, headers=PART, content_type=KIND)
    assert answer.status_code == 200
    return answer.text


def test_form_is_reached_from_the_other_with_what_it_holds(client):
    """By a link with scripts, whose drafts follow; without, by a button that sends."""
    page = client.get("/").text
    assert 'href="/batches/new"' in page

    data = {"prompt": "两行\n{花}", "size": "16:9", "n": "2"}
    text = client.post("/batches/preview", data=data, headers=POST).text

    assert "两行 \\{花\\}</textarea>" in text
    assert 'value="16:9" checked' in text
    assert 'value="2" checked' in text

    data["prompt"] = "{红|蓝}\n花"
    text = client.post("/batches/preview", data=data, headers=POST).text
    assert "{红|蓝} 花</textarea>" in text, "words to choose from are meant so"


def test_preview_says_how_many_and_for_how_much(client):
    """With the first prompts, what repeats, and what the button asks for."""
    text = preview(client, "{1|2|3}{a|b|c|d}\n1a", n="2")

    assert "12 条 × 2 = 24 张" in text
    assert "¥" in text and "还有 6 条" in text and "另有 1 条重复" in text
    assert 'id="batch-cost"' in text and "生成 24 张" in text
    # What is wrong is named by its line; nothing is asked for, and a form that is sent
    # so comes back as it was.
    assert "第 2 行：有一个 { 没有对应的 }" in preview(client, "a\n{b")
    assert "显示张数和费用" in preview(client, " ")

    answer = send(client, "好的\n{坏", name="名")

    assert answer.status_code == 422
    assert "{坏</textarea>" in answer.text and 'value="名"' in answer.text
    assert "第 2 行" in answer.text
    assert Batch.objects.count() == 0


def test_sent_form_leads_to_its_page(client, work_all):
    """Sent twice it is one; drawn, its pictures are there and in the feed as one."""
    page = made(client, "{红|蓝}猫", name="两只猫")
    assert made(client, "{红|蓝}猫", name="两只猫") == page
    single = create(client, user_id="guest", prompt="一张")
    work_all()

    text = client.get(page).text
    assert "完成 2 / 2 张" in text and text.count('class="photo"') == 2
    assert "两只猫" in client.get("/batches").text
    feed = client.get("/").text
    assert feed.count("<article") == 2
    assert feed.index(single) < feed.index("两只猫")
    assert "红猫" not in feed.replace('alt="红猫"', "")


def test_very_many_are_asked_about_first(client):
    """The number is what is agreed to; as many as may be come through every door."""
    text = "\n".join(f"{'画' * 300}{n}" for n in range(500))
    page = preview(client, text)
    assert "500 条 × 1 = 500 张" in page
    assert 'name="confirmed" value="500" required' in page

    assert "请先勾选确认" in send(client, text, confirmed="499").text
    assert Batch.objects.count() == 0
    made(client, text, confirmed="500")


def test_file_is_read_as_it_was_written(client):
    """Without a script: UTF-8 with a mark, or as old programs of China write."""
    file = (io.BytesIO("二\r\n三".encode("gbk")), "a")
    data = {**FORM, "template": "一", "list": file}

    text = client.post("/batches/preview", data=data, headers=POST).text

    assert "一\n二\n三</textarea>" in text
    assert "3 条 × 1 = 3 张" in text


def test_page_asks_only_as_long_as_something_can_come(client, work_all):
    """What has not changed is answered with nothing; what is new comes alone."""
    page = made(client, lines(WINDOW + 2))
    text = client.get(page).text
    url = text.partition('hx-get="')[2].partition('"')[0].replace("&amp;", "&")
    assert "/now?mark=" in url
    assert client.get(url, headers=PART).status_code == 204

    work_all()
    answer = client.get(url, headers=PART)
    assert answer.text.count('class="photo"') == WINDOW + 2
    assert "data-ended" in answer.text
    assert "hx-get" not in answer.text.split("photos")[0]
    assert "every " not in client.get(page).text


def test_page_that_missed_much_is_loaded_anew(client, work_all, monkeypatch):
    """A computer that slept: a poll brings only so many, and none may be left out."""
    monkeypatch.setattr(queries, "MAX_NEW", WINDOW)
    page = made(client, lines(WINDOW + 1))
    url = client.get(page).text.partition('hx-get="')[2].partition('"')[0]
    work_all()

    answer = client.get(url.replace("&amp;", "&"), headers=PART)

    assert (answer.headers["HX-Refresh"], answer.text) == ("true", "")
    assert client.get(page).text.count('class="photo"') == WINDOW + 1


def test_page_says_what_failed_and_what_helps(client, provider, work_all):
    """By reason, with the way on; the button says how many and what they cost."""
    provider.submits = [
        ProviderError("no", code="provider_failed"),
        ProviderError("no", code="content_refused_prompt"),
    ]
    page = made(client, "一\n二\n三")
    work_all()

    text = client.get(page).text
    assert "重试失败的 1 张" in text and "请修改提示词后再试" in text
    assert "另有 1 张原样重试也不会成功" in text

    answer = client.post(f"{page}/retry", headers=POST)
    assert answer.location == page
    work_all()
    assert "完成 2 / 3 张" in client.get(page).text


def test_rest_is_cancelled_and_gone_on_with(client, work_all):
    """Both lead back to the page; sent once more they change nothing."""
    page = made(client, lines(WINDOW + 2))

    for _ in range(2):
        assert client.post(f"{page}/cancel", headers=POST).status_code == 303
    text = client.get(page).text
    assert "已取消" in text and f"继续生成其余 {WINDOW + 2} 张" in text

    client.post(f"{page}/retry", data={"rest": "yes"}, headers=POST)
    work_all()
    assert f"完成 {WINDOW + 2} / {WINDOW + 2} 张" in client.get(page).text


def test_again_begins_with_all_of_it(client):
    """Prompts escaped, settings as they were."""
    page = made(client, "\\{花\\}\n草", size="16:9", n="2", name="名")

    text = client.get("/batches/new?batch=" + page.rpartition("/")[2]).text

    assert "\\{花\\}\n草</textarea>" in text
    assert 'value="16:9" checked' in text and 'value="2" checked' in text


def test_list_is_narrowed_by_status_and_days(client):
    """Its links keep both; what is not valid is ignored."""
    old, new = made(client, "一只猫"), made(client, "一只狗", token="other")
    client.post(f"{new}/cancel", headers=POST)
    long_ago = {"created_at": datetime(2026, 1, 31, 16, 30, tzinfo=UTC)}
    batch_id = old.rpartition("/")[2]
    Batch.collection().update_one({"_id": batch_id}, {"$set": long_ago})

    def listed(query: str) -> list[str]:
        text = client.get(f"/batches?{query}").text
        return [words for words in ("一只猫", "一只狗") if words in text]

    assert listed("status=cancelled") == ["一只狗"]
    assert listed("from=2026-02-01&to=2026-02-01") == ["一只猫"]  # in Shanghai
    assert listed("from=2026-02-02") == ["一只狗"]
    assert listed("status=none&from=2026-02-31&to=x") == ["一只猫", "一只狗"]
    assert 'aria-current="page">全部' in client.get("/batches?from=2026-02-01").text
    page = client.get("/batches?status=cancelled&to=2026-02-01").text
    assert "没有符合筛选条件的批量任务" in page
    assert 'href="/batches?status=failed&amp;to=2026-02-01"' in page
    assert 'name="status" value="cancelled"' in page


def test_list_of_tasks_keeps_to_a_batch(client):
    """Its tasks alone, counted alone; once it is deleted it is nowhere."""
    create(client, user_id="guest", prompt="另外一张")
    page = made(client, "一\n二")
    batch_id = page.rpartition("/")[2]

    text = client.get(f"/tasks?batch={batch_id}").text

    assert "另外一张" not in text and text.count('<li id="row-') == 2
    assert f"batch={batch_id}" in text.partition('id="tabs"')[2]
    one, two = Task.objects(batch=batch_id)
    assert {one.input["prompt"], two.input["prompt"]} == {"一", "二"}
    assert page in client.get(f"/tasks/{one.id}").text
    assert client.post(f"{page}/delete", headers=POST).location == "/batches"
    assert client.get(page).status_code == 404
    assert client.get("/").text.count("<article") == 1


def test_feed_is_paged_over_tasks_and_batches(client):
    """None is left out and none is shown twice."""
    for n in range(8):
        create(client, user_id="guest", prompt=f"单张 {n}")
        made(client, f"批次 {n}", token=f"form-{n}")

    text, seen = client.get("/").text, []
    for _ in range(3):
        seen += [p.partition("<")[0] for p in text.split('id="')[1:]]
        more = text.partition('class="button more" href="')[2].partition('"')[0]
        if not more:
            break
        older = more.replace("&amp;", "&")
        text = client.get(older, headers=PART).text
        assert "<html" not in text
        assert ids(client.get(older)) == re.findall(r'<article id="task-(\w+)"', text)

    shown = [each.partition('"')[0] for each in seen]
    articles = [x for x in shown if x.startswith(("task-volc", "batch-batch_"))]
    assert len(articles) == len(set(articles)) == 16


def test_page_is_there_when_its_model_takes_the_size_no_more(
    client, provider, work_all, monkeypatch
):
    """The settings may say so later; what running it again costs is left out."""
    provider.submits = [ProviderError("no", code="provider_failed")]
    address = made(client, "猫")
    work_all()
    assert "¥" in client.get(address).text

    def refuse(*_: object) -> tuple[int, int]:
        raise Invalid.field("size", "invalid.choice", known="2K")

    monkeypatch.setattr(views, "resolve_size", refuse)
    page = client.get(address)

    assert page.status_code == 200 and 'id="batch-retry"' in page.text
    assert "¥" not in page.text


NEW, PREVIEW = "/batches/new", "/batches/preview"


@pytest.fixture
def form(client) -> dict:
    """What the form sends, for a model that takes pictures."""
    page = client.get(f"{NEW}?model={I2I}").text
    token = re.search(r'name="token" value="([^"]+)"', page)[1]
    lane = unescape(re.search(r'name="model" value="([^"]+)"[^>]*checked', page)[1])
    fields = {"token": token, "model": lane, "size": "1:1", "n": "1", "pictures": "0"}
    return {**fields, "template": "春\n夏"}


def post_form(client, path: str, form: dict, *contents: bytes, headers: dict = POST):
    files = [(io.BytesIO(each), "a.jpg") for each in contents]
    body = {**form, **({"file": files} if files else {})}
    return client.post(path, data=body, headers=headers, content_type=KIND)


def shown(page: str) -> list[str]:
    return re.findall(r'name="image" value="([^"]+)"', page)


def test_files_are_kept_when_they_are_counted_and_sent_by_their_ids(client, form):
    """The page has them then; a file is no longer among what is sent."""
    page = post_form(client, PREVIEW, form, given.photo(), given.photo(3)).text
    ids = shown(page)
    assert ids == [each.id for each in Input.objects.order_by("created_at")]
    assert 'name="pictures" value="2"' in page

    made = post_form(client, NEW, {**form, "image": ids[:1], "pictures": "1"})

    assert made.status_code == 303, made.text
    assert Batch.objects.get().inputs == ids[:1]
    assert {tuple(task.inputs) for task in Task.objects} == {tuple(ids[:1])}
    page = client.get(made.location).text
    assert f'src="/inputs/{ids[0]}/thumb"' in page
    assert f"/inputs/{ids[1]}" not in page


def test_part_of_the_page_comes_only_where_pictures_have_changed(client, form):
    """A key that is pressed in the text swaps nothing else."""
    part = post_form(client, PREVIEW, form, given.photo(), headers=PART).text
    (kept,) = shown(part)
    assert 'id="batch-inputs" class="batch-inputs" hx-swap-oob="true"' in part
    form |= {"image": kept, "pictures": "1"}

    again = post_form(client, PREVIEW, form, headers=PART).text
    removed = post_form(client, PREVIEW, {**form, "remove": kept}, headers=PART).text

    assert 'id="batch-inputs"' not in again
    assert 'id="batch-inputs"' in removed
    assert shown(removed) == []
    # A made-up id is no picture, and nothing is told of anybody's.
    form["image"] = ["upload_x", "<b>"]
    assert shown(post_form(client, PREVIEW, form).text) == []


def test_model_that_takes_none_says_so_and_keeps_them(client, form):
    """Before anything is asked for; the form comes back with what was chosen."""
    plain = client.get(NEW).text
    lane = unescape(re.search(r'name="model" value="([^"]+)"[^>]*checked', plain)[1])

    answer = post_form(client, NEW, {**form, "model": lane}, given.photo())

    assert answer.status_code == 422
    assert len(shown(answer.text)) == 1
    assert Batch.objects.count() == Task.objects.count() == 0
    kept = {**form, "model": lane, "image": shown(answer.text), "pictures": "1"}
    counted = post_form(client, PREVIEW, kept, headers=PART).text
    for page in (answer.text, counted):
        assert page.count("当前模型不支持参考图") == 1
        assert "jimeng-upscale" not in page.partition('id="batch-preview"')[2]
    other = unescape(re.search(r'name="switch" value="([^"]+)"', counted)[1])

    switched = post_form(client, PREVIEW, {**kept, "switch": other}).text

    assert re.search(rf'name="model" value="{re.escape(other)}"[^>]*checked', switched)
    assert shown(switched) == shown(answer.text)
    assert "当前模型不支持参考图" not in switched
    assert "2 条 × 1 = 2 张" in switched


def test_files_of_a_first_sending_go_in(client, form):
    """Not counted before; fewer than the page had were dropped by a browser."""
    made = post_form(client, NEW, form, given.photo())
    wrong = post_form(client, NEW, {**form, "token": ""}, b"no picture")
    fewer = post_form(client, NEW, {**form, "token": "", "pictures": "1"})

    assert made.status_code == 303, made.text
    assert len(Batch.objects.get().inputs) == 1
    assert (wrong.status_code, fewer.status_code) == (422, 422)


def test_pictures_of_the_other_form_come_along(client, form):
    """With its words, by its button, in a browser without a script."""
    other = {name: form[name] for name in ("token", "model", "size", "n")}
    page = post_form(client, PREVIEW, {**other, "prompt": "一只猫"}, given.photo()).text

    assert len(shown(page)) == 1
    assert re.search(r"<textarea[^>]*>\s*一只猫</textarea>", page)
