"""What pictures are found by: their labels."""

from jimeng.documents import utcnow
from jimeng.documents.image import fold, grams, search_fields
from jimeng.providers.models.model import ratio_of
from tests.each import for_each
from tests.hung import MODEL, task_of


@for_each(
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

    made = search_fields(task, "1:1")

    assert (made["prompt"], made["text"]) == ("一只猫", "一只猫,水彩画")
