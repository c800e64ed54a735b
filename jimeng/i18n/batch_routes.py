"""What each request about batches does, in Chinese, as of `routes`."""

BATCHES: dict[str, str] = {
    "api.create_batch": """批量创建

一次提交很多提示词，共用同样的参数。`prompts` 里的逐条照原样；`template` 每行一条，
空行跳过，`{红|蓝|绿}` 依次代入其中每个词，一行有几组就展开成所有组合。
重复的只画一次，一批最多 500 条。`images` 用于其中每一条，只收一次。

立即返回。任务随着空位一点一点地创建，不妨碍同一用户另外提交的任务；
名额、配额不够时等待，`waits` 说明在等什么。带 `?dry_run=1` 时什么也不创建，
只检查请求，以 200 回答条数、张数和价格。""",
    "api.list_batches": """列出用户的批次

最新的在前。下一页在 `Link` 和 `next_cursor` 里。""",
    "api.get_batch": """查看批次

进度、没有画成的原因，以及全部提示词。未结束时带 `Retry-After`。""",
    "api.list_batch_tasks": """列出批次的任务

按提示词的顺序；重试的排在后面。""",
    "api.cancel_batch": """取消批次

不再创建其余任务；等待中的图片不再提交，服务方已经开始的计费一次，不再显示。
已结束的批次是 409。""",
    "api.retry_batch": """补上批次缺的图片

失败而重试可能有用的，每个任务再试一次。`rest` 为 true 时，
已取消的和还没创建的也算；已经或可能已经计费的，要 `accept_double_charge` 为 true 才算。
带 `?dry_run=1` 时什么也不提交，以 200 回答张数和价格。""",
    "api.delete_batch": """删除批次

未结束的先取消；任务和图片移入回收站，七天内可以恢复。""",
}
