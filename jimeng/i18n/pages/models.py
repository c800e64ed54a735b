"""A short description of each model."""

# By the model's id. One that an operator has added has none.
MODELS: dict[str, tuple[str, str]] = {
    "model.doubao-seedream-3.0-t2i": (
        "先用这个：快，中文和海报文字清楚",
        "Begin with this one: fast, and good at lettering",
    ),
    "model.jimeng-3.1": (
        "比 3.0 更讲究光影、质感和风格",
        "More care for light, texture and style than 3.0",
    ),
    "model.doubao-seedream-4.0": (
        "大图，也能按多张参考图来画",
        "Large pictures, also from several references",
    ),
    "model.doubao-seedream-4.5": (
        "4.0 的下一代，细节更多",
        "The generation after 4.0, with finer detail",
    ),
    "model.jimeng-4.6": (
        "参考图最多，适合人物和产品保持一致",
        "Takes the most references: keeps people and products the same",
    ),
    "model.jimeng-2.1": (
        "小图，旧一代",
        "Small pictures, an older generation",
    ),
    "model.jimeng-i2i-3.0": (
        "按文字改一张图，其余保持不变",
        "Changes one picture as the words say and keeps the rest",
    ),
    "model.doubao-seedream-5.0-lite": (
        "新一代，价格适中",
        "The latest generation at a middling price",
    ),
    "model.doubao-seedream-5.0-pro": (
        "最好，也最贵、最慢",
        "The best, the dearest and the slowest",
    ),
    "model.doubao-seedream-5.0-flash": (
        "新一代里最便宜的",
        "The cheapest of the latest generation",
    ),
}
