"""Messages about batches, for all interfaces: errors, and reasons to wait."""

BATCHES: dict[str, tuple[str, str]] = {
    "invalid.template_long": (
        "太长：一批最多 {max} 个字",
        "Too long: a batch has at most {max} characters",
    ),
    "invalid.template_none": (
        "没有提示词：请每行写一条",
        "There is no prompt: write one per line",
    ),
    "invalid.template_many": (
        "一共 {n} 条提示词，一批最多 {max} 条",
        "That makes {n} prompts; a batch has at most {max}",
    ),
    "invalid.template_open": (
        "第 {line} 行：有一个 {{ 没有对应的 }}；要写大括号本身，请写 \\{{",
        "Line {line}: a {{ has no matching }}; for the brace itself write \\{{",
    ),
    "invalid.template_closed": (
        "第 {line} 行：有一个 }} 没有对应的 {{；要写大括号本身，请写 \\}}",
        "Line {line}: a }} has no matching {{; for the brace itself write \\}}",
    ),
    "invalid.template_single": (
        "第 {line} 行：{{…}} 里要有用 | 隔开的几个词；"
        "要写大括号本身，请写 \\{{ 和 \\}}",
        "Line {line}: {{…}} needs words with | between them; for the braces "
        "themselves write \\{{ and \\}}",
    ),
    "invalid.template_deep": (
        "第 {line} 行：大括号嵌套太深",
        "Line {line}: braces are nested too deep",
    ),
    "invalid.template_empty": (
        "第 {line} 行：有一种组合一个字也没有",
        "Line {line}: one of its combinations is empty",
    ),
    "invalid.template_length": (
        "第 {line} 行太长：最多 {max} 个字，含风格的词",
        "Line {line} is too long: at most {max} characters, including the style",
    ),
    "invalid.template_more": ("另有 {n} 行也有问题", "More lines with problems: {n}"),
    "error.batch_not_found": ("没有这个批量任务", "No such batch"),
    "error.batch_finished": (
        "批量任务已经结束，不能再取消",
        "The batch has already ended and cannot be cancelled",
    ),
    "error.batch_not_retryable": (
        "这个批量任务没有可以重试的图片",
        "Nothing in this batch can be retried",
    ),
    "error.too_many_batches": (
        "同时最多进行 {limit} 个批量任务，请等其中一个结束",
        "At most {limit} batches at a time; wait until one has ended",
    ),
    # Why no task of it is created at the moment.
    "waits.too_many_pending": (
        "排队的图片已满，有空位就继续",
        "Your queue is full; it continues as tasks finish",
    ),
    "waits.others_first": (
        "你的其他图片排在前面，之后继续",
        "Your other queued pictures come first; then it continues",
    ),
    "waits.quota_exceeded": (
        "今天的配额用完了，UTC 零点（北京时间 8 点）后继续",
        "Today's quota is used up; it continues after midnight UTC",
    ),
    "waits.key_quota_exceeded": (
        "这个密钥今天的配额用完了，UTC 零点（北京时间 8 点）后继续",
        "The key's quota for today is used up; it continues after midnight UTC",
    ),
    "waits.budget_exceeded": (
        "预算用完了，有余额就继续",
        "The budget is spent or reserved; it continues when money is available",
    ),
    "waits.price_unknown": (
        "有预算，而模型的价格未知；管理员设置价格后继续",
        "A budget applies, and the model's price is not known; it continues when an "
        "administrator has set it",
    ),
    "waits.key_too_many_submissions": (
        "这个密钥每分钟的任务数已满，片刻后继续",
        "The key's tasks for this minute are used up; it continues in a moment",
    ),
    "waits.intake_paused": (
        "管理员暂停了新任务，恢复后继续",
        "The operator has paused new tasks; it continues when they are resumed",
    ),
    "waits.storage_full": (
        "服务器的磁盘快满了，有空间后继续",
        "The server's disk is nearly full; it continues when there is space",
    ),
    "waits.sending_paused": (
        "提交已暂停，恢复后继续",
        "Sending is paused; it continues when resumed",
    ),
    "waits.validation_failed": (
        "模型暂时不能用，恢复后继续",
        "The model is not available for now; it continues when it is",
    ),
    "waits.later": (
        "服务器暂时忙不过来，片刻后继续",
        "The server is busy; it continues soon",
    ),
    # Why no more tasks of it are created.
    "stopped.cancelled": ("已取消", "Cancelled"),
    "stopped.restored": (
        "数据是从备份恢复的：其余的可能已经在原来的服务器上生成并计费，所以停下了",
        "The data were restored from a backup: the rest may have been generated and "
        "charged on the original server, so it has stopped",
    ),
    "stopped.queue_cleared": (
        "管理员清空了队列，所以停下了；可以继续生成其余的图片",
        "The operator cleared the queue, so it has stopped; the rest can still be "
        "generated",
    ),
    "stopped.key_gone": (
        "提交它的 API 密钥已撤销、过期或不再有效，所以停下了",
        "The API key that submitted it is no longer valid, so it has stopped",
    ),
    "stopped.account_disabled": (
        "账号已停用，所以停下了",
        "The account was disabled, so it has stopped",
    ),
    "stopped.not_offered": (
        "模型不再提供，所以停下了",
        "Its model is no longer offered, so it has stopped",
    ),
    "stopped.pictures_gone": (
        "参考图无法获取或已不存在，所以停下了",
        "A reference picture could not be fetched or no longer exists, so it has "
        "stopped",
    ),
}
