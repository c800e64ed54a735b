"""Messages of the batch pages."""

BATCH_PAGES: dict[str, tuple[str, str]] = {
    "batch.new": ("批量任务", "Batch"),
    "batch.add": ("新建批量任务", "New batch"),
    "batch.offer": ("也可作为批量任务：{n} 条提示词", "As a batch: {n} prompts"),
    "batch.offer_create": ("批量生成 {n} 张", "Generate all {n} pictures"),
    "batch.table": ("{product} 张，排成表格", "{product} pictures, as a table"),
    "batch.choices": ("{product} 张", "{product} pictures"),
    "batch.literal": ("按原文生成", "Generate as written"),
    "batch.counting": ("正在计算", "Counting…"),
    "batch.wait": (
        "正在计算张数和费用：按钮上写明后再按一次",
        "Counting the pictures: press again once the button says how many",
    ),
    "batch.count_again": ("重新计算", "Count again"),
    "batch.failed": (
        "没能算出张数和费用，什么都没有提交。请检查网络，再按“重新计算”",
        "The pictures could not be counted, so nothing was sent. Check the network "
        "and press “Count again”",
    ),
    "batch.preview": ("预览 {n} 张", "Preview {n}"),
    "batch.changed": (
        "现在是 {n} 张：确认后请再按一次",
        "It is {n} pictures now: press again if that is right",
    ),
    "batch.list": ("我的批量任务", "My batches"),
    "batch.prompts": ("提示词，每行一条", "Prompts, one per line"),
    "batch.placeholder": (
        "一只{{橘|黑|白}}猫，{{水彩|油画}}风格\n雨后的小巷，灯笼倒映在石板路上",
        "a {{ginger|black|white}} cat, {{watercolour|oil}}\na lane after the rain, "
        "lanterns mirrored in the stones",
    ),
    "batch.hint": (
        "大括号里的词依次代入，多组时展开成所有组合：",
        "Alternatives in braces are used one by one; several groups make every "
        "combination:",
    ),
    "batch.example": ("{{红|蓝}}色的{{猫|狗}}", "a {{red|blue}} {{cat|dog}}"),
    "batch.hint_more": (
        "是 4 条。大括号本身写作 \\{{ 和 \\}}。重复的只生成一次，最多 500 条。",
        "is four prompts. A literal brace is \\{{ or \\}}. Duplicates are generated "
        "once; up to 500 prompts.",
    ),
    "batch.file": ("从 .txt 导入", "From a .txt file"),
    "batch.name": ("名称（可选）", "Name (optional)"),
    "batch.for_all": ("用于每一条提示词。", "Applied to every prompt."),
    "batch.cost": ("费用 {cost}", "{cost}"),
    "batch.cost_held": ("费用 {cost}，预留 {held}", "{cost}, {held} reserved"),
    "batch.count": ("估价", "Estimate"),
    "batch.send": ("生成 {n} 张", "Generate {n}"),
    "batch.sum": (
        "{prompts} 条 × {n} = {pictures} 张",
        "{prompts} prompts × {n} = {pictures} pictures",
    ),
    "batch.unpriced": ("价格未知", "Price unknown"),
    "batch.repeated": ("另有 {n} 条重复，不再生成", "Duplicates, generated once: {n}"),
    "batch.more": ("还有 {n} 条", "and {n} more"),
    "batch.empty": (
        "写好提示词后，这里显示张数和费用。",
        "Write prompts to see how many pictures they make and what they cost.",
    ),
    "batch.confirm": ("确定要生成 {n} 张", "Yes, generate {n} pictures"),
    "batch.confirm_first": (
        "一共 {n} 张：请先勾选确认",
        "That is {n} pictures: tick the box first",
    ),
    "batch.of": ("批量 · {n} 条", "Batch · {n} prompts"),
    "batch.progress": ("进度", "Progress"),
    "batch.pictures": ("图片", "Pictures"),
    "batch.grid": ("按备选词排列的图片", "Pictures by alternatives"),
    "batch.empty_prompt": ("（空）", "(empty)"),
    "batch.status_pending": ("等待中", "Waiting"),
    "batch.status_processing": ("进行中", "In progress"),
    "batch.status_completed": ("已完成", "Completed"),
    "batch.status_failed": ("失败", "Failed"),
    "batch.status_cancelled": ("已取消", "Cancelled"),
    "batch.done_of": ("完成 {done} / {n} 张", "{done} of {n} done"),
    "batch.eta": ("约 {eta}后完成", "done in about {eta}"),
    "batch.filling": (
        "已提交 {submitted} / {n} 条，其余在有空闲槽位时继续。",
        "{submitted} of {n} prompts submitted; the rest follows as slots become free.",
    ),
    "batch.n_done": ("完成 {n}", "{n} done"),
    "batch.n_failed": ("失败 {n}", "{n} failed"),
    "batch.n_cancelled": ("取消 {n}", "{n} cancelled"),
    "batch.n_drawing": ("生成中 {n}", "{n} generating"),
    "batch.n_waiting": ("排队 {n}", "{n} queued"),
    "batch.n_unmade": ("未提交 {n}", "{n} not submitted"),
    "batch.n": ("{n} 张", "{n} ×"),
    "batch.failures": ("失败原因", "What failed"),
    "batch.show_task": ("任务 {n}", "Task {n}"),
    "batch.cancel": ("取消其余的", "Cancel the rest"),
    "batch.cancel_text": (
        "还没提交的不再提交。正在生成的照常计费，但不再显示；已完成的保留。",
        "Prompts not submitted yet are dropped. Pictures being generated are still "
        "charged, but not shown; finished ones stay.",
    ),
    "batch.cancel_sure": ("确定取消", "Yes, cancel"),
    "batch.retry": ("重试失败的 {n} 张", "Retry the {n} failed"),
    "batch.rest": ("继续生成其余 {n} 张", "Generate the other {n}"),
    "batch.paid": (
        "重试已经或可能已计费的 {n} 张",
        "Retry {n} already or possibly charged",
    ),
    "batch.paid_text": (
        "这 {n} 张已经或可能已经计费，重试会再次计费。",
        "These {n} were, or may have been, charged; retrying charges them again.",
    ),
    "batch.hopeless": (
        "另有 {n} 张原样重试也不会成功，需要修改提示词或设置。",
        "{n} more would fail the same way: change their prompt or settings.",
    ),
    "batch.again": ("编辑后再次提交", "Edit and submit again"),
    "batch.tasks": ("查看每个任务", "Show each task"),
    "batch.delete": ("移到回收站", "Move to trash"),
    "batch.ended": (
        "批量任务“{title}”已结束：完成 {done} / {n} 张",
        "The batch “{title}” has ended: {done} of {n} done",
    ),
    "batch.none": ("还没有批量任务", "No batches yet"),
    "batch.none_text": (
        "一次写下多条提示词，一起生成。",
        "Write many prompts and generate them together.",
    ),
    "batch.none_match": (
        "没有符合筛选条件的批量任务。",
        "No batches match this filter.",
    ),
    "batch.older": ("更早的批量任务", "Older batches"),
    "batch.part_of": ("所属批量任务", "Its batch"),
    "batch.of_index": ("第 {n} 条", "Prompt {n} of a batch"),
    "batch.all_tasks": ("所有任务", "All tasks"),
}
