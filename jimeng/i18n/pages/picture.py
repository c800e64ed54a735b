"""The words of a task's and a picture's own page."""

PICTURE: dict[str, tuple[str, str]] = {
    "task.back": ("全部图片", "All pictures"),
    "fact.model": ("模型", "Model"),
    "fact.size": ("尺寸", "Size"),
    "fact.seed": ("种子", "Seed"),
    "fact.file": ("文件", "File"),
    "fact.created": ("提交时间", "Asked for"),
    "fact.ended": ("结束时间", "Ended"),
    "fact.retried_from": ("重试自", "Again for"),
    "fact.task_id": ("任务编号", "Task id"),
    "fact.remote_ids": ("服务商编号", "Provider's id"),
}
