"""The words of every page."""

SHELL: dict[str, tuple[str, str]] = {
    "app.title": ("即梦", "jimeng"),
    "app.skip": ("跳到内容", "Skip to content"),
    "app.home": ("回到首页", "Back to the start"),
    "app.offline": (
        "连不上服务器，正在重试；写下的文字还在",
        "The server cannot be reached; trying again. What you wrote is kept",
    ),
    "theme.system": ("主题：跟随系统", "Theme: as the system"),
    "theme.light": ("主题：浅色", "Theme: light"),
    "theme.dark": ("主题：深色", "Theme: dark"),
    "demo.name": ("演示模式", "Demo mode"),
    "demo.words": (
        "图片由内置的模拟服务绘制，不计费。真正出图请按 README 在 .env 中填入密钥。",
        "Drawn by a built-in stand-in, free of charge. For the real service put your "
        "Volcengine keys into .env; the README shows how.",
    ),
}
