"""Messages of the Create form."""

CREATE: dict[str, tuple[str, str]] = {
    "index.heading": ("文字生图", "Text to image"),
    "form.prompt": ("提示词", "Prompt"),
    "form.placeholder": (
        "想画什么？主体、场景、风格",
        "What should it show? Subject, scene, style",
    ),
    "form.missing": ("请先写下想画什么", "Describe what the picture should show"),
    "form.choices_image": (
        "尚未提交：提示词里有 {{a|b}}。请选择生成每一种，或按原文生成",
        "Not sent yet: the prompt has {{a|b}}. Choose whether to generate every "
        "alternative, or the prompt as written",
    ),
    "form.choices_video": (
        "尚未提交：视频不会按 {{a|b}} 逐一生成。请只留一种，或按原文生成",
        "Not sent yet: videos are not generated for each of {{a|b}}. Keep one, or "
        "generate the prompt as written",
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
    "form.model_of": ("{model}（{provider}）", "{model} ({provider})"),
    "form.model_pictures": (" · 参考图最多 {n} 张", " · up to {n} references"),
    "form.model_picture": (" · 参考图 1 张", " · 1 reference"),
    "form.model_seed": (" · 种子", " · seed"),
    "form.change_model": ("换用这个模型", "Use this model"),
    "form.settings": ("画面设置", "Settings"),
    "form.done": ("完成", "Done"),
    "form.size": ("比例", "Aspect ratio"),
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
    "form.style_own": ("自定义", "Custom"),
    "form.style_hint": ("如：木刻版画，双色套印", "e.g. two-colour woodcut"),
    "form.seed": ("种子", "Seed"),
    "form.seed_none": ("随机种子", "Random seed"),
    "form.seed_roll": ("随机取一个种子", "Pick a random seed"),
    "form.seed_clear": ("恢复随机", "Back to random"),
    "form.seed_hint": (
        "种子和提示词都相同，画面就相近。",
        "The same seed and prompt give a similar picture.",
    ),
    "form.history_short": ("历史", "History"),
    "assistant.chip": ("润色", "Assist"),
    "assistant.title": ("提示词助手", "Prompt assistant"),
    "assistant.expand": ("扩写成完整的提示词", "Expand into a full prompt"),
    "assistant.translate": ("中英互译", "Translate Chinese ↔ English"),
    "assistant.describe": ("描述第一张参考图", "Describe the first reference"),
    "assistant.wait": ("正在生成文字……", "Writing…"),
    "assistant.use": ("使用", "Use it"),
    "assistant.no_reference": ("请先添加一张参考图", "Add a reference first"),
    "form.history": ("历史提示词", "Prompt history"),
    "form.history_none": (
        "提交过的和被替换的提示词会列在这里",
        "Prompts you submit or replace are listed here",
    ),
    "form.history_text": (
        "只保存在这个浏览器里，退出登录时清除",
        "Stored in this browser only, until you sign out",
    ),
    "form.history_clear": ("清空", "Clear"),
    "form.replaced": ("原来的内容已被替换", "Your text was replaced"),
    "form.undone": ("已恢复", "Restored"),
    "form.error": ("{field}：{message}", "{field}: {message}"),
    "form.budget_day": (
        "今天的预算还剩 {remaining}",
        "{remaining} left of today's budget",
    ),
    "form.budget_month": (
        "本月的预算还剩 {remaining}",
        "{remaining} left of this month's budget",
    ),
    "form.each": ("每张 {price}", "{price} each"),
    "form.send": ("生成", "Generate"),
    "keys.prompt": ("写提示词", "Write the prompt"),
    "keys.send": ("生成", "Generate"),
    "keys.new_line": ("换行", "New line"),
    "keys.enter_sends": (
        "Enter 生成（否则为 Ctrl / ⌘ + Enter）",
        "Enter generates (otherwise Ctrl / ⌘ + Enter)",
    ),
    "keys.history": ("历史提示词", "Prompt history"),
    "examples.title": ("从一个想法开始", "Start with an idea"),
    "examples.text": (
        "点一张即可使用它的提示词。示意图由内置模拟器绘制，实际画面由模型决定。",
        "Choose one to use its prompt. The previews are simulated; a real model "
        "draws its own.",
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
        "Endless dunes at sunset, minimal composition, warm colours",
    ),
}
