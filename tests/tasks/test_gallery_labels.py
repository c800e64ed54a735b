"""What pictures are found by: their labels, also where earlier versions kept none."""

import mongoengine
import pytest

from jimeng import tasks
from jimeng.documents import Image, utcnow
from jimeng.jobs import purge
from jimeng.pictures.labels import fold, grams, labels, ratio_of
from jimeng.tasks import Wanted
from jimeng.viewers import Viewer
from tests.hung import MODEL, hang, task_of

ME = Viewer("guest")


@pytest.fixture
def unlabelled(database, monkeypatch) -> list[str]:
    """Three pictures as an earlier version has kept them, none looked at yet."""
    monkeypatch.setattr(purge, "_labelled_to", "")
    ids = hang("一只黑猫", "红色灯笼", "$prompt")
    gone = ["prompt", "model", "ratio", "text", "grams", "lists"]
    Image.collection().update_many({}, [{"$unset": gone}])
    return ids


def found(**filters) -> list[str | None]:
    """The prompts of what is shown, in order."""
    page = tasks.browse(ME, Wanted(**filters))
    return [image.prompt for image in page.rows]


def test_pictures_of_earlier_versions_are_labelled(unlabelled):
    """What was kept without labels is given them, and shown."""
    assert found() == []

    purge.label_pictures()

    assert found() == ["一只黑猫", "红色灯笼", "$prompt"]
    assert found(q="灯笼", model=MODEL, ratio="1:1") == ["红色灯笼"]


def test_prompt_that_is_no_expression_is_labelled(unlabelled):
    """A text that begins with $ is a text."""
    purge.label_pictures()

    assert found(q="$prompt") == ["$prompt"]


def test_picture_of_no_task_is_labelled_too(unlabelled):
    """Nothing keeps the rest from being labelled."""
    task_id = unlabelled[0].rpartition("_")[0]
    mongoengine.get_db().tasks.delete_one({"_id": task_id})

    purge.label_pictures()

    assert found()[1:] == ["红色灯笼", "$prompt"]


@pytest.mark.parametrize(
    ("size", "name"),
    [
        ((1328, 1328), "1:1"),
        ((1664, 936), "16:9"),
        ((936, 1664), "9:16"),
        ((1472, 1104), "4:3"),
        ((3024, 1296), "21:9"),
        ((2016, 864), "21:9"),
        ((1000, 100), "other"),
        ((1, 16), "other"),
    ],
)
def test_shape_has_the_nearest_name(size, name):
    """Sizes are rounded to what a model draws, so near is enough."""
    assert ratio_of(*size) == name


def test_grams_are_characters_and_neighbours():
    """Words are apart; nothing is found across the space between them."""
    assert grams(fold("Ab 猫狗")) == {"a", "b", "ab", "猫", "狗", "猫狗"}
    assert grams("") == set()


def test_label_has_the_words_that_were_written():
    """A style's words are searched for, and not shown."""
    task = task_of("一只猫", "guest", MODEL, (64, 64), utcnow())
    task.prompt = "一只猫，水彩画"

    made = labels(task, 64, 64)

    assert (made["prompt"], made["text"]) == ("一只猫", "一只猫,水彩画")
