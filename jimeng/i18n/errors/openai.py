"""Messages of errors that only the interface for OpenAI clients has."""

OPENAI: dict[str, tuple[str, str]] = {
    "openai.field": ("{field}：{message}", "{field}: {message}"),
    "openai.invalid": (
        "某个字段有误：code 是 invalid_ 加上字段名，param 是字段名",
        "A field is invalid: code is invalid_ followed by the field's name, and "
        "param is its name",
    ),
    "openai.task": ("{message}（任务 {id}）", "{message} (task {id})"),
    "error.starts_too_late": (
        "前面排队的图片太多，约 {seconds} 秒后才能开始，超过了本次请求的等待时间；"
        "没有创建任何任务，请稍后再试",
        "Too many pictures are queued ahead: this one would start in about {seconds} "
        "seconds, later than this request can wait. Nothing was created; try again "
        "later",
    ),
    "error.wait_over": (
        "等待超时，图片仍在生成；完成后在网页上和 result_url 都能找到",
        "The picture was not ready in time. It is still being generated, and will be "
        "on the pages and at result_url",
    ),
    "error.server_stopping": (
        "服务器正在重启，图片仍在生成；再发一次同样的请求就能得到它",
        "The server is restarting. The picture is still being generated: send the "
        "same request again to get it",
    ),
    "error.task_cancelled": (
        "任务已取消，没有图片",
        "The task was cancelled, so there is no picture",
    ),
}
