"""Named styles: each expands to a phrase that the models understand well."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Style:
    """
    Attributes:
        id: Used in requests; either name works too.
        zh: Its Chinese name.
        en: Its English name.
        phrase: Appended to the prompt.
    """

    id: str
    zh: str
    en: str
    phrase: str

    @property
    def names(self) -> tuple[str, str]:
        return self.zh, self.en

    @property
    def length(self) -> int:
        """Characters that it adds to the prompt."""
        return len(self.phrase) + 1


# Each phrase contains the style's Chinese name, so that naming it loses nothing.
STYLES = (
    Style("photo", "摄影", "Photograph", "写实摄影，自然光，细节清晰，真实质感"),
    Style("film", "胶片", "Film", "胶片摄影，颗粒感，柔和的褪色色调"),
    Style("portrait", "人像", "Portrait", "人像摄影，浅景深，柔光，背景虚化"),
    Style("cinematic", "电影感", "Cinematic", "电影感画面，宽银幕构图，戏剧性光影"),
    Style("ink", "水墨", "Ink wash", "中国水墨画，留白，墨色浓淡相宜，宣纸质感"),
    Style("gongbi", "工笔", "Gongbi", "中国工笔画，线条精细，设色淡雅"),
    Style("watercolor", "水彩", "Watercolour", "水彩画，色彩通透，自然晕染，纸张纹理"),
    Style("oil", "油画", "Oil painting", "油画，笔触厚重，色彩浓郁，画布肌理"),
    Style("sketch", "素描", "Pencil sketch", "铅笔素描，黑白，细腻的排线与明暗"),
    Style("anime", "动漫", "Anime", "日系动漫风格，线条干净，色彩明亮"),
    Style("picture-book", "绘本", "Picture book", "儿童绘本插画，温暖柔和，造型可爱"),
    Style("flat", "扁平插画", "Flat", "扁平插画，几何造型，简洁的色块"),
    Style("3d", "三维", "3D render", "三维渲染，柔和的布光，圆润的材质，细节丰富"),
    Style("pixel", "像素画", "Pixel art", "像素画，复古游戏风格，有限的调色板"),
)

_BY_NAME = {
    name.casefold(): style
    for style in STYLES
    for name in (style.id, style.zh, style.en)
}


def find(name: str) -> Style | None:
    """The style of that id or name, in any letter case."""
    return _BY_NAME.get(name.casefold())


def expand(style: str) -> str:
    """The phrase of the style named *style*; any other text unchanged."""
    found = find(style)
    return found.phrase if found else style
