"""Messages of the operator's pages."""

from jimeng.i18n.pages.operator_actions import ACTIONS

OPERATOR: dict[str, tuple[str, str]] = {
    **ACTIONS,
    "admin.tabs": ("管理", "Admin"),
    "admin.older": ("更早的", "Older"),
    "admin.newest": ("回到最新", "Back to the newest"),
    "tab.queue": ("队列", "Queue"),
    "tab.failures": ("失败", "Failures"),
    "tab.usage": ("用量", "Usage"),
    "tab.users": ("用户", "Users"),
    "tab.shares": ("分享", "Shares"),
    "tab.settings": ("设置", "Settings"),
    "tab.audit": ("操作记录", "Audit"),
    # Switches.
    "switch.label": ("暂停和恢复", "Pause and resume"),
    "switch.intake": ("新任务", "New tasks"),
    "switch.sending": ("提交到服务商", "Sending to providers"),
    "switch.intake_text": (
        "暂停后拒绝新任务，请稍后再试；已有的照常完成。",
        "While paused, new tasks are refused and users are asked to come back later. "
        "Tasks already here carry on.",
    ),
    "switch.sending_text": (
        "暂停后不再提交排队的图片和视频；已提交的照常完成并保存。",
        "While paused, waiting pictures and videos are not submitted. Those already "
        "at a provider are still fetched and saved.",
    ),
    "switch.webhooks": ("回调", "Webhooks"),
    "switch.webhooks_text": (
        "暂停后不向用户的程序发送事件；恢复后补发，一个不少。",
        "While paused, no events are sent to users' programs. Once resumed, all "
        "events from the meantime are sent.",
    ),
    "switch.on": ("进行中", "Running"),
    "switch.off": ("已暂停", "Paused"),
    "switch.pause_intake": ("暂停新任务", "Pause new tasks"),
    "switch.pause_sending": ("暂停提交", "Pause sending"),
    "switch.resume_intake": ("恢复新任务", "Resume new tasks"),
    "switch.resume_sending": ("恢复提交", "Resume sending"),
    "switch.pause_webhooks": ("暂停回调", "Pause webhooks"),
    "switch.resume_webhooks": ("恢复回调", "Resume webhooks"),
    "switch.banner_webhooks": ("回调已暂停", "Webhooks are paused"),
    "switch.banner_intake": ("新任务已暂停", "New tasks are paused"),
    "switch.banner_sending": ("提交已暂停", "Sending is paused"),
    "switch.by_disk": (
        "磁盘快满时自动暂停",
        "automatically, as the disk is nearly full",
    ),
    "switch.by_restore": ("从备份恢复时暂停", "when a backup was restored"),
    "switch.by": ("由 {name}", "by {name}"),
    # The queue.
    "queue.heading": ("队列", "Queue"),
    "queue.pictures": (
        "数字以图片和视频计，每 5 秒更新",
        "All numbers count pictures and videos; updated every 5 s",
    ),
    "queue.now": ("现在", "Now"),
    "queue.waiting": ("等待", "Waiting"),
    "queue.oldest": ("最久 {time}", "longest {time}"),
    "queue.none_waits": ("队列为空", "the queue is empty"),
    "queue.running": ("进行中", "In progress"),
    "queue.running_note": ("提交、生成或保存", "submitting, generating or saving"),
    "queue.retry": ("等待重试", "Waiting to retry"),
    "queue.retry_note": ("服务商限流", "rate-limited by the provider"),
    "queue.done": ("一小时内完成", "Done in the last hour"),
    "queue.done_today": ("今天共 {n}", "{n} today"),
    "queue.today_failures": ("今天的失败", "Today's failures"),
    "queue.failed": ("一小时内失败", "Failed in the last hour"),
    "queue.archived": ("累计失败", "Failed in total"),
    "queue.archived_note": ("自开始以来", "all time"),
    "queue.all_failures": ("查看全部失败", "See all failures"),
    "queue.codes": ("今天失败的原因", "Failures today, by reason"),
    "queue.no_codes": (
        "今天没有待处理的失败。",
        "No failures today that still need attention.",
    ),
    "queue.lanes": ("模型队列", "Model queues"),
    "queue.lane": ("模型", "Model"),
    "queue.slots": ("占用 / 上限", "In use / limit"),
    "queue.lane_gone": ("已不提供", "No longer offered"),
    "queue.lane_lowered": (
        "上限由 {n} 调低，服务商拒绝了更多",
        "Limit lowered from {n}: the provider refused more",
    ),
    "queue.lane_waits": ("退避到", "Backs off until"),
    "queue.account": ("账号 {name}", "Account {name}"),
    "queue.account_rests": (
        "被服务商拒绝（{code}），暂停到",
        "Refused by the provider ({code}), suspended until",
    ),
    "queue.account_removed": (
        "已不在设置里：不再查询，结果记为“可能已计费”，不会重发",
        "No longer in the settings: what it was generating is not polled any more, "
        "ends as possibly charged and is not sent again",
    ),
    "queue.no_lanes": (
        "还没有服务商的密钥，所以没有模型队列。",
        "No provider has keys, so there are no model queues.",
    ),
    "queue.users": ("按用户", "By user"),
    "queue.user": ("用户", "User"),
    "queue.no_users": ("队列为空。", "The queue is empty."),
    "queue.workers": ("工作进程", "Workers"),
    "queue.no_workers": ("没有工作进程", "None"),
    "admin.suspended": (
        "没有工作进程在运行，处理暂停中：等待和进行中的任务停着，不会丢失；"
        "启动工作进程后自动继续。",
        "No worker is running, so processing is paused. Tasks waiting or in progress "
        "are not lost; they continue automatically once a worker is started.",
    ),
    "queue.alive": ("正常", "Alive"),
    "queue.too_old": (
        "已停止：数据库已由更新的版本迁移",
        "Stopped: a later release has migrated the database",
    ),
    "queue.gone": ("失去联系", "Gone"),
    "queue.beats": ("{n} 秒内有心跳", "heartbeat within {n} s"),
    "queue.seen": ("最后心跳", "last heartbeat"),
    "queue.since": ("启动于", "started"),
    "queue.redis_away": (
        "Redis 连不上：拒绝新任务，已有的不受影响。",
        "Redis is unreachable: new tasks are refused, existing ones wait.",
    ),
    "queue.jobs": ("Redis 中待取的作业：{n}", "Jobs waiting in Redis: {n}"),
    "queue.chart": ("最近 24 小时", "The last 24 hours"),
    "queue.chart_title": (
        "最近 24 小时每小时完成和失败的数量，时间为 UTC",
        "Completed and failed in each of the last 24 hours (UTC)",
    ),
    "queue.hour": ("小时（UTC）", "Hour (UTC)"),
    "queue.chart_done": ("完成", "Done"),
    "queue.chart_failed": ("失败", "Failed"),
    "queue.chart_empty": (
        "最近 24 小时没有任务结束。",
        "Nothing ended in the last 24 hours.",
    ),
    "queue.hour_tells": (
        "{time} UTC：完成 {done}，失败 {failed}",
        "{time} UTC: {done} done, {failed} failed",
    ),
    # Clearing it.
    "queue.clear": ("清空队列", "Clear the queue"),
    "queue.clear_intro": (
        "取消所有还没开始的任务，批量任务也停下。先显示会取消多少，再请你确认。",
        "Cancels every task that has not started, and stops batches. You see how many "
        "first, and confirm.",
    ),
    "queue.clear_open": ("查看会取消什么", "See what would be cancelled"),
    "queue.clear_count": (
        "现在清空会取消 {users} 位用户的 {tasks} 个任务，共 {pictures} 项图片和视频。",
        "To be cancelled – tasks: {tasks}, pictures and videos: {pictures}, "
        "users: {users}.",
    ),
    "queue.clear_empty": ("没有可以取消的任务。", "Nothing to cancel."),
    "queue.clear_goes_on": (
        "已提交给服务商的照常完成。用户会看到“管理员清空了队列”，可以自己重试。",
        "What is already at the provider is completed. Users see that the "
        "operator cleared the queue, and can retry their tasks.",
    ),
    "queue.clear_word": ("清空", "clear"),
    "queue.clear_type": ("输入“{word}”确认", "Type “{word}” to confirm"),
    "queue.clear_wrong": ("请照提示输入确认的词。", "Type the word exactly as shown."),
    "queue.clearing": (
        "正在清空：已取消 {done} / {total} 个任务",
        "Clearing: {done} of {total} tasks cancelled",
    ),
    "queue.cleared": ("已取消 {n} 个任务。", "Tasks cancelled: {n}."),
    # Failures.
    "failures.heading": ("失败", "Failures"),
    "failures.intro": (
        "未处理的失败。这里不显示提示词；打开任务才能看到。",
        "Failures that still need attention. Prompts are not shown here; open a task "
        "to read its own.",
    ),
    "failures.filter": ("筛选", "Filter"),
    "failures.code": ("原因", "Reason"),
    "failures.any_code": ("所有原因", "Any reason"),
    "failures.day": ("日期（UTC）", "Day (UTC)"),
    "failures.user": ("用户编号或邮箱", "User ID or e-mail"),
    "failures.find": ("查找", "Find"),
    "failures.all": ("全部", "All"),
    "failures.today": ("今天", "Today"),
    "failures.yesterday": ("昨天", "Yesterday"),
    "failures.count": ("{n} 项", "Failures: {n}"),
    "failures.count_more": ("超过 {n} 项", "Failures: over {n}"),
    "failures.none": ("没有待处理的失败", "No failures need attention"),
    "failures.none_text": (
        "这里列出最终失败、还没有重试或忽略的图片和视频。",
        "Pictures and videos that failed for good are listed here until they are "
        "retried or dismissed.",
    ),
    "failures.none_match": (
        "没有符合筛选条件的失败。",
        "No failures match this filter.",
    ),
    "failures.reset": ("清除筛选", "Clear filter"),
    "failures.which": ("第 {pictures} 张", "Picture {pictures}"),
    "failures.attempts": ("提交 {n} 次", "Sent {n}×"),
    "failures.request": ("请求编号", "Request"),
    "failures.task": ("打开任务", "Open task"),
    "failures.charged_no": ("未计费", "Not charged"),
    "failures.charged_unknown": ("可能已计费", "May have been charged"),
    "failures.charged_yes": ("已计费", "Charged"),
    "failures.state_partly": (
        "任务的其他图片还在进行，结束后才能重试",
        "Other pictures of this task are in progress; it can be retried once they end",
    ),
    "failures.state_hopeless": (
        "重试也不会成功：需要用户修改输入",
        "A retry would fail again: its owner has to change the input",
    ),
    "failures.state_cancelled": ("任务已被取消", "Task cancelled"),
    "failures.state_retried": ("用户已自己重试", "Retried by its owner"),
    "failures.state_gone": ("任务已被删除", "Task deleted"),
    "failures.retry": ("重试", "Retry"),
    "failures.retry_sure": ("仍要重试", "Retry anyway"),
    "failures.retry_consent": (
        "上一次已经或可能已经计费，重试会再次计费。",
        "The last attempt was, or may have been, charged; a retry is charged again.",
    ),
    "failures.drop": ("忽略", "Dismiss"),
    "failures.retry_all": ("全部重试…", "Retry all…"),
    "failures.retry_all_text": (
        "按筛选条件重试最多 {n} 项，会产生新的费用。已经或可能已计费的不在其中，"
        "请逐个确认；没有选原因时，重试也不会成功的也不在其中。",
        "Retries up to {n} matching failures, at a new charge. Not included are "
        "those already or possibly charged (confirm them one by one) and, unless you "
        "choose a reason, those that would fail again.",
    ),
    "failures.retry_all_sure": ("重试 {n} 项", "Retry {n}"),
    "failures.retry_none": (
        "符合条件的都已经或可能已计费，或重试也不会成功：请逐个处理。",
        "All matches are already or possibly charged, or would fail again: handle "
        "them one by one.",
    ),
    "failures.drop_all": ("全部忽略…", "Dismiss all…"),
    "failures.drop_all_text": (
        "从列表中移除 {n} 项失败记录。用户的任务不变。",
        "Removes {n} failures from this list. Users' tasks stay as they are.",
    ),
    "failures.drop_all_sure": ("忽略 {n} 项", "Dismiss {n}"),
    "failures.result_retry": (
        "已重试 {done} 个任务，跳过 {left_out} 个。",
        "Tasks retried: {done}; skipped: {left_out}.",
    ),
    "failures.result_drop": ("已忽略 {done} 项。", "Dismissed: {done}."),
    "failures.under_way_retry": (
        "正在重试：{done} / {total} 个任务",
        "Retrying: {done} of {total} tasks",
    ),
    "failures.under_way_drop": (
        "正在忽略：{done} / {total} 项",
        "Dismissing: {done} of {total}",
    ),
    "failures.dealt_retry": ("已重试", "Retried"),
    "failures.dealt_drop": ("已忽略", "Dismissed"),
    "failures.new_task": ("新任务", "New task"),
}
