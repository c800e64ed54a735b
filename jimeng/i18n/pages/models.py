"""A short description of each model."""

# By the model's id. One that an operator has added has none.
MODELS: dict[str, tuple[str, str]] = {
    "model.doubao-seedream-3.0-t2i": (
        "推荐先用：速度快，中文和海报文字清晰",
        "Start here: fast, and good at lettering",
    ),
    "model.jimeng-3.1": (
        "比 3.0 更讲究光影、质感和风格",
        "Better light, texture and style than 3.0",
    ),
    "model.doubao-seedream-4.0": (
        "大尺寸，支持多张参考图",
        "Large pictures, several references",
    ),
    "model.doubao-seedream-4.5": (
        "4.0 的下一代，细节更多",
        "The generation after 4.0, with finer detail",
    ),
    "model.jimeng-4.6": (
        "参考图最多，适合保持人物和产品一致",
        "Most references; keeps people and products consistent",
    ),
    "model.jimeng-2.1": ("上一代，小尺寸", "Older generation, small pictures"),
    "model.jimeng-i2i-3.0": (
        "按提示词修改一张图片，其余保持不变",
        "Edits one picture as described and keeps the rest",
    ),
    "model.doubao-seedream-5.0-lite": (
        "新一代，价格适中",
        "Latest generation at a moderate price",
    ),
    "model.doubao-seedream-5.0-pro": (
        "质量最好，也最贵、最慢",
        "The best, the most expensive and the slowest",
    ),
    "model.doubao-seedream-5.0-flash": (
        "新一代里最便宜的",
        "The cheapest of the latest generation",
    ),
    "model.jimeng-video-3.0": (
        "推荐先用：可选运镜",
        "Start here: with a choice of camera movements",
    ),
    "model.jimeng-video-3.0-1080p": (
        "同一代，画面更清晰",
        "The same generation, sharper",
    ),
    "model.jimeng-video-3.0-pro": (
        "即梦 3.0 里画质最好的",
        "The best picture of the 3.0 family",
    ),
    "model.doubao-seedance-1.0-pro": (
        "时长任选，价格低",
        "Any length up to 12 seconds, at a low price",
    ),
    "model.doubao-seedance-1.0-pro-fast": (
        "最便宜，也最快",
        "The cheapest and the fastest",
    ),
    "model.doubao-seedance-1.5-pro": (
        "可以同时生成人声、音效和音乐",
        "Adds voices, effects and music",
    ),
    "model.doubao-seedance-2.0": (
        "支持多张参考图，适合保持人物和产品一致",
        "Several references; keeps people and products consistent",
    ),
    "model.doubao-seedance-2.0-fast": (
        "2.0 的快速版",
        "A faster 2.0",
    ),
    "model.doubao-seedance-2.0-mini": (
        "2.0 里最便宜的",
        "The cheapest 2.0",
    ),
    "model.doubao-seedance-2.5": (
        "新一代，时长最长，也最贵",
        "Latest generation: the longest, and the most expensive",
    ),
}
