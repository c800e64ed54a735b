"""The words of the form that asks for pictures."""

CREATE: dict[str, tuple[str, str]] = {
    "index.heading": ("用文字画图", "Pictures from words"),
    "form.prompt": ("提示词", "Prompt"),
    "form.placeholder": (
        "想画什么？主体、场景、光线、风格",
        "What should it show? Subject, scene, light, style",
    ),
    "form.counter": (
        "字符数，包括风格添加的文字",
        "Characters, including those the style adds",
    ),
    "form.model": ("模型", "Model"),
    "form.model_facts": (
        "最大 {largest} · 约 {seconds} 秒",
        "up to {largest} · about {seconds} s",
    ),
    "form.model_seed": (" · 可定种子", " · takes a seed"),
    "form.change_model": ("换用这个模型", "Use this model"),
    "form.settings": ("画面设置", "Settings"),
    "form.done": ("完成", "Done"),
    "form.size": ("画幅", "Shape"),
    "form.pixels": ("{pixels} 像素", "{pixels} pixels"),
    "form.resolution": ("清晰度", "Resolution"),
    "form.standard": ("标准", "Standard"),
    "form.hd": ("高清", "HD"),
    "form.quality_standard": ("标准画质", "Standard quality"),
    "form.quality_hd": ("高清画质", "High quality"),
    "form.images": ("参考图", "Reference pictures"),
    "form.n": ("张数", "Number of pictures"),
    "form.n_of": ("{n} 张", "{n}"),
    "form.style": ("风格", "Style"),
    "form.style_none": ("不限", "None"),
    "form.style_own": ("自己写", "In your own words"),
    "form.style_hint": ("如：木刻版画，双色套印", "e.g. two-colour woodcut"),
    "form.seed": ("种子", "Seed"),
    "form.seed_none": ("随机", "Random"),
    "form.seed_roll": ("掷一个种子", "Roll a seed"),
    "form.seed_clear": ("恢复随机", "Back to random"),
    "form.seed_hint": (
        "种子和提示词都相同，画面就相近。",
        "The same seed and prompt give a similar picture.",
    ),
    "form.history": ("写过的提示词", "Earlier prompts"),
    "form.history_none": (
        "发送过的、换掉的提示词会列在这里",
        "What you send or replace will be listed here",
    ),
    "form.history_words": (
        "只存在这个浏览器里，退出登录时清除",
        "Kept in this browser alone, until you sign out",
    ),
    "form.history_clear": ("清空", "Clear"),
    "form.replaced": ("原来写的已被换掉", "What you had written was replaced"),
    "form.undone": ("已恢复", "Brought back"),
    "form.error": ("{field}：{words}", "{field}: {words}"),
    "form.each": ("每张 {price}", "{price} each"),
    "form.send": ("生成", "Generate"),
    "keys.prompt": ("写提示词", "Write the prompt"),
    "keys.send": ("生成", "Generate"),
    "keys.history": ("写过的提示词", "Earlier prompts"),
    "examples.title": ("从一个想法开始", "Start with an idea"),
    "examples.words": (
        "点一张，用它的提示词。示意图由内置的模拟器绘制，真正的画面由模型决定。",
        "Choose one to take its prompt. The simulator that comes with this drew these; "
        "a model draws its own.",
    ),
    "examples.1": (
        "极光下的雪山和湖，星空倒映在水里，长曝光",
        "Snowy peaks under northern lights, stars in the lake, long exposure",
    ),
    "examples.2": (
        "湖边的黑猫望着红日，水墨，大面积留白",
        "A black cat by a lake, watching a red sun, ink wash, wide empty sky",
    ),
    "examples.3": (
        "霓虹城市的夜，灯火倒映在河里，电影感",
        "A neon city at night, its lights in the river, cinematic",
    ),
    "examples.4": (
        "晨雾里的森林，一只红狐停在林间，柔光",
        "A red fox at the edge of a misty forest, soft morning light",
    ),
    "examples.5": (
        "花田开到远山脚下，樱枝入画，胶片质感",
        "A flower field up to the hills, a cherry branch in the frame, film grain",
    ),
    "examples.6": (
        "落日下连绵的沙丘，极简构图，暖色",
        "Dunes without end at sunset, spare composition, warm colours",
    ),
}
