"""The words of pictures that go in: in the form, and on a picture's page."""

GIVEN: dict[str, tuple[str, str]] = {
    "given.title": ("参考图", "Reference pictures"),
    "given.add": ("参考图", "Pictures"),
    "given.add_title": (
        "添加参考图：选择、粘贴或拖入 JPEG、PNG、WebP",
        "Add reference pictures: choose, paste or drop JPEG, PNG or WebP",
    ),
    "given.number": ("图{n}", "Picture {n}"),
    "given.move": ("前移", "Move earlier"),
    "given.move_n": ("图{n} 前移", "Move picture {n} earlier"),
    "given.moved": ("已移到前面", "Moved earlier"),
    "given.remove": ("移除", "Remove"),
    "given.remove_n": ("移除图{n}", "Remove picture {n}"),
    "given.removed": ("已移除", "Removed"),
    "given.added": ("已添加参考图", "Reference picture added"),
    "given.stop": ("取消上传", "Cancel the upload"),
    "given.failed": (
        "没有上传成功，请再试一次",
        "It could not be uploaded; try again",
    ),
    "given.wait": (
        "图片还在上传，请稍候再生成",
        "Pictures are still being uploaded; generate in a moment",
    ),
    "given.cannot": (
        "当前模型只按文字画图，不使用参考图。",
        "This model draws from words alone and takes no pictures.",
    ),
    "given.no_model": (
        "这台服务器上没有能用参考图的模型，请移除图片。",
        "No model of this server takes pictures; remove them.",
    ),
    "given.switch": ("改用 {model}", "Use {model}"),
    "given.few": (
        "当前模型要有一张参考图：选择、粘贴或拖进来。",
        "This model needs a picture to start from: choose, paste or drop one.",
    ),
    "given.refer": ("做参考图", "Use as reference"),
    "given.refer_n": ("用第 {n} 张做参考图", "Use picture {n} as reference"),
    "gallery.refer": ("用作参考图：{prompt}", "Use as reference: {prompt}"),
    "invalid.choose_again": (
        "图片没有随表单一起送到，或者这个表单已经用别的图片提交过；"
        "请看一下图片是否齐全，再提交一次",
        "Pictures did not come with the form, or it was sent before with others. "
        "See that all of them are there, and send it once more",
    ),
}
