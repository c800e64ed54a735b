"""Messages of errors that only the interface for OpenAI clients has."""

OPENAI: dict[str, tuple[str, str]] = {
    "openai.field": ("{field}：{words}", "{field}: {words}"),
    "openai.invalid": (
        "某个字段有误：code 是 invalid_ 加上字段名，param 是字段名",
        "A field is wrong: code is invalid_ and the field's name, param its name",
    ),
    "openai.task": ("{words}（任务 {id}）", "{words} (task {id})"),
    "error.starts_too_late": (
        "前面排队的图片太多，约 {seconds} 秒后才能轮到，等不到结果；"
        "什么都没有创建，请稍后再试",
        "Too many pictures wait ahead: this one would begin in about {seconds} "
        "seconds, later than the answer can wait. Nothing was created; try again later",
    ),
    "error.wait_over": (
        "等了很久图片还没画好；它还在画，画好后在网页上和 result_url 都能找到",
        "The picture was not there in time. It is still being drawn, and will be on "
        "the pages and at result_url",
    ),
    "error.server_stopping": (
        "服务器正在重启；图片还在画，再发一次同样的请求就能拿到它",
        "The server is restarting. The picture is still being drawn: the same request, "
        "sent again, gets it",
    ),
    "error.task_cancelled": (
        "任务被取消了，没有图片",
        "The task was cancelled, so there is no picture",
    ),
}
