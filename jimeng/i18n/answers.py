"""The messages of the REST API's answers."""

ANSWERS: dict[str, tuple[str, str]] = {
    "answer.created": (
        "任务已创建，正在处理中",
        "The task has been created and is being processed",
    ),
    "answer.pending": (
        "任务排队中，请稍后查询",
        "The task is waiting its turn; ask again later",
    ),
    "answer.processing": (
        "任务处理中，请稍后查询",
        "The task is being processed; ask again later",
    ),
    "answer.completed": ("图像生成完成", "The pictures are ready"),
    "answer.cancelled": ("任务已取消", "The task was cancelled"),
    "answer.task_deleted": ("任务及其图片已删除", "The task and its pictures are gone"),
    "answer.key_revoked": ("密钥已撤销", "Key revoked"),
    "answer.user_deleted": (
        "用户及其任务和图片已删除",
        "The user is gone, with all tasks and pictures",
    ),
    "answer.model_ready": ("可用", "ready"),
    "answer.model_untried": (
        "密钥有效；是否已开通要生成一张图片才知道",
        "the keys are accepted; only drawing a picture tells whether it is activated",
    ),
    "answer.healthy": ("服务正常运行", "The service is running"),
    "answer.ready": ("服务已就绪", "The service is ready"),
    "answer.not_ready": (
        "服务尚未就绪，缺少：{missing}",
        "The service is not ready; it lacks: {missing}",
    ),
}
