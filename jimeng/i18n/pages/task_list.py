"""Messages of the task list."""

TASK_LIST: dict[str, tuple[str, str]] = {
    "task_list.title": ("任务", "Tasks"),
    "task_list.states": ("按状态查看", "By state"),
    "task_list.search": ("搜索提示词", "Search prompts"),
    "task_list.find": ("搜索", "Search"),
    "task_list.search_end": ("清除搜索", "Clear search"),
    "task_list.refresh": ("刷新查看进度", "Refresh to see progress"),
    "task_list.more": ("更早的任务", "Older tasks"),
    "task_list.older": ("更早的任务", "Older tasks"),
    "task_list.tab.all": ("全部", "All"),
    "task_list.tab.pending": ("等待中", "Waiting"),
    "task_list.tab.processing": ("进行中", "Running"),
    "task_list.tab.scheduled": ("定时", "Scheduled"),
    "task_list.tab.completed": ("已完成", "Done"),
    "task_list.tab.failed": ("失败", "Failed"),
    "task_list.tab.cancelled": ("已取消", "Cancelled"),
    "task_list.n": ("×{n}", "×{n}"),
    "task_list.begins": ("开始时间", "starts"),
    "task_list.ahead": ("前面 {n} 个，约 {eta}后", "{n} ahead, in about {eta}"),
    "task_list.next": ("下一个开始", "next in the queue"),
    "task_list.progress": ("已完成 {done}/{n}", "{done} of {n} done"),
    "task_list.partly": ("完成 {done}/{n}", "{done} of {n} done"),
    "task_list.took": ("用时 {n}", "in {n}"),
    "task_list.retried_as": ("已重试，查看新任务", "Retried; see the new task"),
    "task_list.none": (
        "还没有任务。提交之后，在这里查看进度、取消或重试。",
        "No tasks yet. Those that you submit are listed here, to be followed, "
        "cancelled or retried.",
    ),
    "task_list.begin": ("生成第一张图片", "Create your first picture"),
    "task_list.none_found": (
        "没有提示词包含“{q}”的任务",
        "No task with “{q}” in its prompt",
    ),
    "task_list.none.pending": ("没有等待中的任务", "No tasks are waiting"),
    "task_list.none.processing": ("没有进行中的任务", "No tasks are running"),
    "task_list.none.scheduled": (
        "没有定时任务；通过 API 提交时加上 delay，任务会在这里等到开始时间",
        "No scheduled tasks. Tasks submitted through the API with a delay wait here",
    ),
    "task_list.none.completed": ("还没有完成的任务", "No completed tasks yet"),
    "task_list.none.failed": ("没有失败的任务", "No failed tasks"),
    "task_list.none.cancelled": ("没有取消的任务", "No cancelled tasks"),
    "bulk.cancel_pending": ("取消全部等待中", "Cancel all waiting"),
    "bulk.cancel_pending_text": (
        "还没开始的任务会全部取消，不计费。进行中的和定时的不受影响。",
        "All tasks that have not started are cancelled, free of charge. Running and "
        "scheduled ones carry on.",
    ),
    "bulk.cancel_scheduled": ("取消全部定时", "Cancel all scheduled"),
    "bulk.cancel_scheduled_text": (
        "还没到时间的任务会全部取消，不计费。",
        "All scheduled tasks are cancelled, free of charge.",
    ),
    "bulk.cancelling": (
        "正在取消：{done} / {total} 个任务",
        "Cancelling: {done} of {total} tasks",
    ),
    "bulk.goes_on": (
        "在后台进行，离开本页也会继续。",
        "This continues in the background, even if you leave the page.",
    ),
    "bulk.refresh": ("刷新查看进度", "Refresh to see progress"),
    "bulk.ended_early": ("提前结束：{reason}", "Stopped early: {reason}"),
    "bulk.cancel_sure": ("确认取消", "Yes, cancel all"),
    "bulk.retry": ("重试全部可重试的 ({n})", "Retry all retryable ({n})"),
    "bulk.retry_text": (
        "其中失败的（共 {pictures} 项）会再次提交，生成后计费。",
        "What failed ({pictures} in all) is submitted again, and charged when "
        "generated.",
    ),
    "bulk.paid": (
        "另有 {n} 个上次已经或可能已计费，不在其中；请逐个确认后重试。",
        "Not included, as already or possibly charged: {n}. Confirm these one by one.",
    ),
    "bulk.hopeless": (
        "另有 {n} 个原样重试也不会成功，不在其中；请先按说明修改。",
        "{n} more would fail the same way and are not included; edit them first, as "
        "each one explains.",
    ),
    "bulk.retry_sure": ("确认重试", "Yes, retry"),
    "said.cancelled": ("已取消 {n} 个任务", "Cancelled: {n}"),
    "said.retried": ("已重新提交 {n} 个任务", "Submitted again: {n}"),
    "said.before": ("{n} 个此前已重试过", "Retried before: {n}"),
    "said.task_finished": (
        "{n} 个已经结束，没有取消",
        "Already ended, not cancelled: {n}",
    ),
    "said.task_not_found": ("{n} 个已不存在", "No longer there: {n}"),
    "said.task_not_retryable": (
        "{n} 个没有失败，没有重试",
        "Not failed, so not retried: {n}",
    ),
    "said.may_be_charged_twice": (
        "{n} 个上次已经或可能已计费，没有重试；请逐个确认",
        "Already or possibly charged, so not retried: {n}; confirm them one by one",
    ),
    "said.too_many_pending": (
        "{n} 个没有提交，等待中的图片或视频已达上限；等一部分完成后再试",
        "Not submitted, too many pictures or videos are waiting: {n}; try again when "
        "some are done",
    ),
    "said.out_of_time": (
        "{n} 个还没轮到，请再点一次",
        "Not reached yet: {n}; press again",
    ),
    "said.other": (
        "{n} 个没有成功，打开任务查看原因",
        "Failed: {n}; open the task to see why",
    ),
}
