"""What the fields of batches mean, asked for and answered."""

BATCH_FIELDS: dict[str, tuple[str, str]] = {
    "prompts": (
        "提示词，每条照原样，最多 500 条",
        "Prompts, each as it stands; at most 500",
    ),
    "template": (
        "每行一条提示词，空行跳过。大括号里用竖线隔开的词依次代入，可以嵌套，"
        "词可以为空；前面加反斜杠，就是大括号、竖线、反斜杠本身",
        "One prompt a line; empty lines are passed over. Words in braces, with bars "
        "between them, are used in turn; groups may be nested, and a word may be "
        "empty. Behind a backslash braces, bars and backslashes are themselves",
    ),
    "NewBatch.images": (
        "每条提示词都用的参考图，按顺序，写法和单张一样；只收一次",
        "Pictures that go into all of it, in order, named as in a single request; each "
        "is taken in once",
    ),
    "NewBatch.n": ("每条提示词的图片张数", "Pictures for each prompt"),
    "NewBatch.name": ("给这一批起的名字", "What to call the batch"),
    "rest": (
        "已取消的和还没创建的也要",
        "What was cancelled, too, and what was never made",
    ),
    "RetryBatch.accept_double_charge": (
        "已经或可能已经计费的也要，同意再次计费",
        "What was, or may have been, charged, too: charging it again is fine",
    ),
    "batch_id": ("批次的 id，不透明", "The batch's id; opaque"),
    "batch_index": (
        "它是批次的第几条提示词，从 0 数起",
        "Which of the batch's prompts it draws, from 0",
    ),
    "count_of_prompts": ("一共多少条提示词", "How many prompts it has"),
    "made": (
        "已经为多少条创建了任务",
        "For how many of them there is a task by now",
    ),
    "repeated": (
        "另有多少条重复，没有再算",
        "How many more were the same, and are left out",
    ),
    "BatchEstimate.prompts": ("展开后的全部提示词", "All prompts, expanded"),
    "BatchWithPrompts.prompts": ("全部提示词", "All prompts"),
    "pictures": ("图片张数，按状态", "Pictures, by what has become of them"),
    "BatchEstimate.cost": (
        "在服务方的费用，按价目表；价格未知时为 null",
        "What it would cost at the provider, by the list of prices; null where it has "
        "none",
    ),
    "BatchEstimate.pictures": ("一共多少张图片", "Pictures in all"),
    "BatchFailure.pictures": ("多少张图片", "How many pictures"),
    "BatchPictures.total": ("一共", "In all"),
    "unmade": ("还没创建任务的", "Whose tasks are not made yet"),
    "waiting": ("排队的", "In line"),
    "drawing": ("正在画的", "Being drawn"),
    "done": ("画好的", "Done"),
    "BatchPictures.failed": ("没有画成的", "Failed"),
    "cancelled": ("取消的", "Cancelled"),
    "lacking": (
        "重试会再要多少张，按是否需要多想一步",
        "What running it again would ask for, by what that takes",
    ),
    "ready": ("失败，再试可能有用", "Failed, and worth another try"),
    "Lacking.rest": ("取消的和没有创建的", "Cancelled, or never made"),
    "paid": ("可能已经计费", "Perhaps charged already"),
    "hopeless": ("再试也一样", "They would fail the same way"),
    "failures": ("没有画成的原因，多的在前", "Why pictures failed, most first"),
    "remedy": (
        "怎么办：retry 重试、prompt 改提示词、picture 换图片、settings 改参数、"
        "model 换模型、operator 找管理员、none 没有办法",
        "What helps: retry, another prompt, picture, settings or model, the operator, "
        "or none",
    ),
    "task_ids": ("其中几个任务", "Some of their tasks"),
    "waits": ("在等什么；没有在等时为 null", "What it waits for; null if for nothing"),
    "until": ("什么时候再看", "When it is tried again"),
    "BatchRecord.eta_seconds": (
        "预计多少秒后全部画完",
        "Seconds until all of it is expected to be drawn",
    ),
    "reason": (
        "不是由主人取消时，为什么停下",
        "Why it stopped, where its owner has not cancelled it",
    ),
    "ended_at": ("全部结束的时间", "When all of it had ended"),
    "BatchLinks.self": ("整个批次", "The full record"),
    "BatchLinks.tasks": ("它的任务", "Its tasks"),
    "retry": ("补上缺的（POST）", "Runs again what is lacking (POST)"),
    "BatchLinks.html": ("批次的网页", "Its web page"),
    "BatchTasks.cursor": (
        "上一页最后一个任务的 id",
        "The id of the last task of the page before",
    ),
    "BatchTasks.status": ("只要这个状态的任务", "Only tasks with this status"),
}
