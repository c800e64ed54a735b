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
    "given.moved": ("现在是图{n}", "It is picture {n} now"),
    "given.drag": ("拖动可改顺序", "Drag to change the order"),
    "given.remove": ("移除", "Remove"),
    "given.remove_n": ("移除图{n}", "Remove picture {n}"),
    "given.removed": ("已移除", "Removed"),
    "given.added": ("已添加参考图", "Reference picture added"),
    "given.stop": ("取消上传", "Cancel the upload"),
    "given.failed": (
        "没有上传成功，请再试一次",
        "It could not be uploaded; try again",
    ),
    "given.together": (
        "一次提交的所有文件合计不超过 {most} MiB。",
        "All files of one form may have {most} MiB together.",
    ),
    "given.kept": ("上次的参考图已放回", "Your pictures are back"),
    "given.lost": (
        "上次的参考图有的没能取回，请重新添加",
        "Not all of your pictures could be brought back; add them again",
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
    "form.strength": ("改动强度", "Strength"),
    "strength.label": ("改动强度，0 到 100", "Strength, 0 to 100"),
    "strength.usual": ("默认", "Default"),
    "strength.slide": ("改动强度", "Strength"),
    "strength.clear": ("恢复默认", "Back to the default"),
    "strength.hint": (
        "越小越像参考图，越大越照文字来；不填由模型决定。",
        "Low keeps to the pictures, high follows the words. Empty: the model decides.",
    ),
    "strength.enlarge_hint": (
        "越小越接近原图，越大可以补的细节越多；不填由模型决定。",
        "Low keeps to the picture, high may add detail. Empty: the model decides.",
    ),
    "given.refer": ("做参考图", "Use as reference"),
    "given.refer_n": ("用第 {n} 张做参考图", "Use picture {n} as reference"),
    "gallery.refer": ("用作参考图：{prompt}", "Use as reference: {prompt}"),
    "made.from": ("来自", "Made from"),
    "made.into": ("由它生成", "Made into"),
    "made.given": ("上传的图片", "A picture that was uploaded"),
    "made.number": ("第 {n} 张", "Picture {n}"),
    "compare.title": ("前后对比", "Before and after"),
    "compare.before": ("之前", "Before"),
    "compare.after": ("之后", "After"),
    "compare.slide": ("分界位置", "Where the two meet"),
    "edits.title": ("改这张图", "Change this picture"),
    "edits.edit": ("用文字修改", "Edit with words"),
    "edits.repaint": ("局部重绘、擦除", "Repaint or erase a part"),
    "edits.expand": ("扩图", "Expand"),
    "edits.enlarge": ("放大", "Enlarge"),
    "edits.model": ("模型", "Model"),
    "edits.words": ("怎么改", "What to change"),
    "edits.words_hint": ("如：把天空换成晚霞", "e.g. make the sky a sunset"),
    "edits.repaint_words": ("涂抹处画什么", "What to paint there"),
    "edits.repaint_hint": ("留空就是擦除", "Leave empty to erase"),
    "edits.expand_words": ("扩出的部分画什么（可空）", "What to add (may be empty)"),
    "edits.send": ("生成", "Generate"),
    "edits.enlarge_to": ("放大到 {size}", "Enlarge to {size}"),
    "edits.enlarge_words": (
        "内容不变，长边放大到 {size} 的像素。",
        "The same picture, with its longer side as many pixels as {size} has.",
    ),
    "edits.enlarged": (
        "已经和能放大到的一样大了。",
        "It is as large as it can be made.",
    ),
    "edits.shape": ("扩成", "Expand to"),
    "edits.own": ("自定", "Own"),
    "edits.edges": (
        "自定：各边扩出原边长的百分之几，最多 {most}",
        "Own: how many per cent of a side each edge grows by, at most {most}",
    ),
    "edits.top": ("上", "Top"),
    "edits.right": ("右", "Right"),
    "edits.bottom": ("下", "Bottom"),
    "edits.left": ("左", "Left"),
    "expand.top": ("上边扩出", "Added at the top"),
    "expand.right": ("右边扩出", "Added on the right"),
    "expand.bottom": ("下边扩出", "Added at the bottom"),
    "expand.left": ("左边扩出", "Added on the left"),
    "expand.value": ("{share}%，结果 {size}", "{share} %, {size} in all"),
    "expand.hint": (
        "拖动各边或四角，每边最多扩出 {most}%。键盘：选中一边，按方向键，Shift 加快。",
        "Drag the edges or corners, each by {most} % at most. By keyboard: focus an "
        "edge, arrows, Shift for larger steps.",
    ),
    "brush.canvas": (
        "在图上涂出要改的部分；键盘：先按“方框”，方向键移动，"
        "Shift 加方向键改大小，回车涂上",
        "Paint over what is to change. By keyboard: press Rectangle, move it with the "
        "arrows, size it with Shift and the arrows, and paint it with Enter",
    ),
    "brush.size": ("笔刷大小", "Brush size"),
    "brush.erase": ("橡皮", "Eraser"),
    "brush.undo": ("撤销", "Undo"),
    "brush.rectangle": ("方框", "Rectangle"),
    "brush.painted": ("已涂上", "Painted"),
    "brush.undone": ("已撤销", "Undone"),
    "brush.hint": (
        "涂出要改的部分。键盘：方框，方向键移动，Shift 改大小，回车涂上。",
        "Paint over what is to change. By keyboard: Rectangle, arrows, Shift to size, "
        "Enter.",
    ),
    "mask.file": ("或上传蒙版", "Or upload a mask"),
    "mask.hint": (
        "和图片一样大的 PNG，透明处是要改的部分。",
        "A PNG as large as the picture, clear where it is to change.",
    ),
    "mask.kept": (
        "上次涂的还在；再涂就用新的。",
        "What was painted before is kept; paint again to replace it.",
    ),
    "mask.number": ("蒙版", "Mask"),
    "invalid.choose_again": (
        "图片没有随表单一起送到，或者这个表单已经用别的图片提交过；"
        "请看一下图片是否齐全，再提交一次",
        "Pictures did not come with the form, or it was sent before with others. "
        "See that all of them are there, and send it once more",
    ),
}
