"""The words of the form that asks for pictures."""

CREATE: dict[str, tuple[str, str]] = {
    "index.heading": ("用文字画图", "Pictures from words"),
    "form.prompt": ("提示词", "Prompt"),
    "form.placeholder": (
        "想画什么？写下主体、场景、光线和风格",
        "What shall it show? Subject, scene, light, style",
    ),
    "form.size": ("画幅", "Shape"),
    "form.n": ("张数", "Number of pictures"),
    "form.n_of": ("{n} 张", "{n}"),
    "form.send": ("生成", "Generate"),
    "examples.title": (
        "还没有图片，从一个想法开始",
        "Nothing here yet. Begin with an idea",
    ),
    "examples.1": (
        "雨后的江南小巷，青石板映着灯笼的暖光，水墨淡彩",
        "A canal-town lane after rain, lantern light on wet stone, ink and wash",
    ),
    "examples.2": (
        "窗台上打盹的橘猫，午后阳光，胶片颗粒",
        "An orange cat asleep on a windowsill, afternoon sun, film grain",
    ),
    "examples.3": (
        "极简海报：红日从雪山后升起，大面积留白",
        "A spare poster: a red sun rising behind a snowy peak, wide empty sky",
    ),
    "examples.4": (
        "玻璃温室里的早餐桌，薄雾，柔和的绿",
        "A breakfast table in a glasshouse, thin mist, soft greens",
    ),
    "examples.5": (
        "手工陶杯的产品照，浅灰背景，侧光",
        "Product photo of a handmade cup, pale grey backdrop, light from the side",
    ),
    "examples.6": (
        "深海里发光的鲸群，自下而上仰望，电影感",
        "Glowing whales in the deep sea, seen from below, cinematic",
    ),
}
