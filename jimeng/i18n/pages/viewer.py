"""The words of the viewer, which shows the pictures of a page one at a time."""

VIEWER: dict[str, tuple[str, str]] = {
    "viewer.title": ("看图", "Viewer"),
    "viewer.previous": ("上一张", "Previous"),
    "viewer.next": ("下一张", "Next"),
    "viewer.both": ("上一张、下一张", "Previous, next"),
    "viewer.zoom": ("放大", "Zoom"),
    "viewer.key": ("看图时：{what}", "Viewer: {what}"),
}
