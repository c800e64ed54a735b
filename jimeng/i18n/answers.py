"""Messages of the REST API's responses."""

ANSWERS: dict[str, tuple[str, str]] = {
    "answer.created": (
        "任务已创建，正在处理中",
        "The task has been created and is being processed",
    ),
    "answer.pending": (
        "任务排队中，请稍后查询",
        "The task is queued; check again later",
    ),
    "answer.processing": (
        "任务处理中，请稍后查询",
        "The task is being processed; check again later",
    ),
    "trouble.cannot_stop": (
        "服务商已经开始生成，无法停止：完成后会保存在这里，照常计费",
        "The provider has started and cannot be stopped: the video is saved once it "
        "is ready, and is charged",
    ),
    "trouble.not_a_picture": (
        "已生成，但收到的文件无效；两分钟内会再获取几次，之后任务失败并说明原因",
        "It is generated, but the file received is not valid; it is fetched again a "
        "few times within two minutes, then the task fails and says why",
    ),
    "trouble.download_failed": (
        "已生成，暂时无法下载，正在自动重试；"
        "如果几小时后仍未完成，请告诉管理员：服务商只保留 24 小时",
        "Generated, but it cannot be downloaded right now. This is retried "
        "automatically; if it takes hours, tell the operator: the provider keeps it "
        "for 24 hours",
    ),
    "trouble.storage_unavailable": (
        "已生成，但服务器的存储已满或暂时不可用，恢复后会自动保存；"
        "如果长时间没有恢复，请告诉管理员：服务商只保留 24 小时",
        "Generated, but this server's storage is full or unavailable right now. It is "
        "saved automatically afterwards; if that takes long, tell the operator: the "
        "provider keeps it for 24 hours",
    ),
    "trouble.file_too_large": (
        "视频已生成，但文件超过服务器存储的上限；请告诉管理员："
        "24 小时内改用别的存储方式，就会自动保存",
        "The video is generated, but its file is larger than the server's storage "
        "accepts. Tell the operator: if the storage is changed within 24 hours, it "
        "is stored automatically",
    ),
    "answer.unknown": (
        "这个版本的服务器不认识任务的状态；请稍后再查询",
        "This version of the server does not know the task's status; check again later",
    ),
    "answer.completed": ("图像生成完成", "The pictures are ready"),
    "answer.completed_videos": ("视频生成完成", "The videos are ready"),
    "answer.cancelled": ("任务已取消", "The task was cancelled"),
    "answer.upload_deleted": ("图片已删除", "The upload has been deleted"),
    "answer.collection_deleted": (
        "相册已删除，里面的内容仍在图库里",
        "The collection has been deleted; what is in it stays in the gallery",
    ),
    "answer.prompt_deleted": ("已删除", "The prompt has been deleted"),
    "answer.share_ended": (
        "分享已停止，链接不再有效",
        "The share has ended; its link no longer works",
    ),
    "answer.task_deleted": (
        "任务及其结果已删除",
        "The task and its results have been deleted",
    ),
    "answer.key_revoked": ("密钥已撤销", "Key revoked"),
    "answer.user_deleted": (
        "用户及其任务、图片和视频已删除",
        "The user and all their tasks, pictures and videos have been deleted",
    ),
    "answer.model_ready": ("可用", "ready"),
    "answer.model_untried": (
        "密钥有效；是否已开通要生成一张图片才知道",
        "the keys are accepted; only generating a picture shows whether the model is "
        "activated",
    ),
    "answer.healthy": ("服务正常运行", "The service is running"),
    "answer.ready": ("服务已就绪", "The service is ready"),
    "answer.not_ready": (
        "服务尚未就绪，缺少：{missing}",
        "The service is not ready. Missing: {missing}",
    ),
}
