"""Messages of requests that are malformed, limited, or cannot be fulfilled."""

REQUESTS: dict[str, tuple[str, str]] = {
    "error.internal": (
        "服务器内部出错，请稍后再试；若一再出现，请把 request_id 告诉管理员",
        "Something went wrong on the server. Try again later; if it keeps happening, "
        "give the request_id to the operator",
    ),
    "error.bad_request": ("请求格式有误", "The request is malformed"),
    "error.not_found": ("没有这个地址", "There is nothing at this address"),
    "error.method_not_allowed": (
        "这个地址不支持该请求方法",
        "This address does not support that method",
    ),
    "error.uri_too_long": (
        "请求行超过 8190 字节，请缩短后再试",
        "The request line is over 8,190 bytes; send a shorter one",
    ),
    "error.headers_too_large": (
        "请求头太多或太长：最多 100 个，每个最多 8190 字节，一共 64 KiB",
        "Too many headers, or too long: at most 100, 8,190 bytes each, 64 KiB in all",
    ),
    "error.unsupported_media_type": (
        "请求体必须是 JSON（请加上 Content-Type: application/json），"
        "上传图片则是 multipart/form-data",
        "The body must be JSON (send Content-Type: application/json), or, for an "
        "upload, multipart/form-data",
    ),
    "error.unsupported_encoding": (
        "请求体不能压缩：请去掉 Content-Encoding，按原样发送",
        "The body must not be compressed: send it as it is, without Content-Encoding",
    ),
    "error.request_too_large": (
        "太大了：一次最多 1 MiB，带图片的最多 16 MiB；请减少或缩小后再试",
        "That is too large: at most 1 MiB at a time, or 16 MiB with pictures; "
        "send fewer or smaller ones",
    ),
    "error.invalid_json": (
        "请求体不是有效的 JSON 对象",
        "The body is not a valid JSON object",
    ),
    "error.validation_failed": (
        "请求参数有误，请按 errors 中的说明修改",
        "Some fields are invalid; see errors for what they accept",
    ),
    "error.idempotency_key_invalid": (
        "Idempotency-Key 必须是 1 到 255 个可见 ASCII 字符",
        "Idempotency-Key must be 1 to 255 visible ASCII characters",
    ),
    "error.idempotency_key_reused": (
        "这个 Idempotency-Key 已用于另一个请求，请换一个新的",
        "This Idempotency-Key was used for another request; use a new one",
    ),
    "error.upload_not_found": (
        "没有这张上传的图片；没有任务使用的，24 小时后删除",
        "No such upload; one that no task uses is deleted after 24 hours",
    ),
    "error.collection_not_found": (
        "没有这个相册；它可能已经删除",
        "No such collection; it may have been deleted",
    ),
    "error.collection_name_taken": (
        "已经有同名的相册，请换一个名称",
        "You have a collection of that name; choose another name",
    ),
    "error.too_many_collections": (
        "相册最多 {limit} 个，请先删除不用的",
        "At most {limit} collections; delete some first",
    ),
    "error.collection_full": (
        "一个相册最多 {limit} 项，这些没有放入；请先移出一些，或另建一个",
        "A collection holds at most {limit} items, so these were not added; remove "
        "some, or create another one",
    ),
    "error.prompt_not_found": (
        "没有这条已保存的提示词；它可能已经删除",
        "No such saved prompt; it may have been deleted",
    ),
    "error.too_many_prompts": (
        "最多保存 {limit} 条提示词，请先删除不用的",
        "At most {limit} prompts can be saved; delete some first",
    ),
    "error.share_not_found": (
        "分享已结束或不存在；请向分享者索取新链接",
        "This share has ended or does not exist; ask the person who sent you the "
        "link for a new one",
    ),
    "error.too_many_shares": (
        "同时最多分享 {limit} 项，请先停止一些",
        "At most {limit} items can be shared at a time; stop sharing some first",
    ),
    "error.assistant_unavailable": (
        "提示词助手没有响应，请稍后再试；一直这样请告诉管理员",
        "The prompt assistant is not responding; try again later, or tell the operator",
    ),
    "error.too_many_assistant_requests": (
        "提示词助手每分钟最多用 {limit} 次，请稍后再试",
        "The prompt assistant can be used {limit} times a minute; try again later",
    ),
    "error.too_many_uploads": (
        "上传太多：每分钟最多 {limit} 张，请稍后再试",
        "Too many uploads: at most {limit} a minute; try again later",
    ),
    "error.uploads_full": (
        "未被任务使用的上传图片已达上限（{limit} 张或 {megabytes} MiB）；"
        "请先使用或删除一些",
        "Too many uploads that no task uses: at most {limit}, or {megabytes} MiB; "
        "use or delete some first",
    ),
    "error.server_busy": (
        "正在接收的图片太多，请过几秒再试",
        "Too many pictures are being uploaded right now; try again in a few seconds",
    ),
    "error.task_not_found": ("没有这个任务", "No such task"),
    "error.image_not_found": ("没有这张图片或这个视频", "No such picture or video"),
    "error.task_finished": (
        "任务已经结束，不能再取消",
        "The task has already ended and cannot be cancelled",
    ),
    "error.picture_under_way": (
        "这张图片已经提交或已经结束，不能单独取消；要放弃整个任务，请取消任务",
        "This picture has been submitted or has ended, and cannot be cancelled by "
        "itself; cancel the whole task instead",
    ),
    "error.cannot_stop": (
        "服务商已经开始生成，无法停止：视频会照常完成、计费，并为你保存",
        "The provider has started and cannot be stopped: the video will be "
        "completed, charged and saved for you",
    ),
    "error.charge_known": (
        "没有这张图片，或者已经确定它是否计费，或者还在向服务商查询",
        "There is no such picture, or it is known whether it was charged, or the "
        "provider is still being asked",
    ),
    "error.task_not_retryable": (
        "只有失败、已取消或缺图的任务可以重试",
        "Only tasks that failed, were cancelled or lack pictures can be retried",
    ),
    "error.may_be_charged_twice": (
        "上一次已经或可能已经计费，重试会再次计费；"
        "确认后请附上 accept_double_charge: true",
        "The last attempt was, or may have been, charged, and a retry is charged "
        "again; send accept_double_charge: true to accept this",
    ),
    "error.out_of_time": (
        "请求里的任务太多，还没处理到这一个；请把它再发一次",
        "The request had too many tasks to reach this one; send it again",
    ),
    "error.queue_cleared": (
        "管理员清空了队列，任务未开始，没有计费；可以重试",
        "The operator cleared the queue before the task started; nothing was "
        "charged, and you can retry it",
    ),
    "error.intake_paused": (
        "管理员暂停了新任务，请稍后再试；已提交的任务不受影响",
        "The operator has paused new tasks; try again later. Tasks already submitted "
        "are not affected",
    ),
    "error.storage_full": (
        "服务器的磁盘快满了，暂时不接受新任务；已提交的任务不受影响，请管理员腾出空间",
        "The server's disk is nearly full, so no new tasks are accepted; tasks "
        "already submitted are not affected. The operator has to free some space",
    ),
    "error.too_many_pending": (
        "等待中的图片或视频已达上限（{limit} 个），请等一部分完成后再提交",
        "At most {limit} pictures, or videos, may wait at a time; submit more when "
        "some are done",
    ),
    "error.too_many_requests": (
        "请求太多：每分钟最多 {limit} 个，请过 {seconds} 秒再试",
        "Too many requests: at most {limit} a minute; try again in {seconds} seconds",
    ),
    "error.too_many_waiting": (
        "等待图片的连接太多，这次没有等；请稍后再试，或隔几秒查询一次结果",
        "Too many connections are waiting for pictures, so this one did not wait; "
        "try again later, or poll the result every few seconds",
    ),
    "error.too_many_submissions": (
        "每分钟最多提交 {limit} 个任务，请过 {seconds} 秒再试",
        "At most {limit} tasks a minute; try again in {seconds} seconds",
    ),
    "error.quota_exceeded": (
        "今天的 {limit} 张配额还剩 {left} 张；每天 UTC 零点（北京时间 8 点）重置",
        "{left} of today's {limit} pictures are left; the quota resets at midnight UTC",
    ),
    "error.budget_exceeded": (
        "预算不足：这次最多要 {needed} 元，预算 {limit} 元，已用 {used} 元，"
        "预留 {held} 元；{reopens} 重置",
        "The budget is exceeded: this may cost ¥{needed}; of ¥{limit}, ¥{used} is "
        "spent and ¥{held} reserved. It resets at {reopens}",
    ),
    "error.price_unknown": (
        "{model} 的价格未知，有预算时不能用它；请管理员在“用量”的“价格”里，"
        "或用 flask prices add {model} 设置价格",
        "The price of {model} is not known, so it cannot be used while a budget "
        "applies; an administrator can set it under “Usage”, “Prices”, or with flask "
        "prices add {model}",
    ),
    "error.key_too_many_submissions": (
        "这个密钥每分钟最多提交 {limit} 个任务，请过 {seconds} 秒再试",
        "At most {limit} tasks a minute with this key; try again in {seconds} seconds",
    ),
    "error.key_quota_exceeded": (
        "这个密钥今天的 {limit} 张配额还剩 {left} 张；每天 UTC 零点（北京时间 8 点）"
        "重置",
        "{left} of today's {limit} pictures of this key are left; the quota resets "
        "at midnight UTC",
    ),
    "error.release_too_old": (
        "服务正在升级，这里暂时不接受新的操作：请稍后重试",
        "The service is being upgraded and accepts nothing new for now: try again soon",
    ),
    "error.database_unavailable": (
        "数据库暂时不可用，请稍后再试；带上同一个 Idempotency-Key 就不会重复创建",
        "The database is unavailable; try again shortly. With the same "
        "Idempotency-Key nothing is created twice",
    ),
    "error.storage_unavailable": (
        "图片和视频的存储暂时不可用，请稍后再试",
        "The storage of pictures and videos is unavailable; try again shortly",
    ),
    "error.index_missing": (
        "数据库缺少一个唯一索引，为避免重复，暂不执行；正在重建，请稍后再试。"
        "若一直如此，请管理员运行 flask indexes",
        "The database lacks a unique index, and without it this could be done twice. "
        "It is being rebuilt: try again shortly. If this persists, the operator "
        "should run `flask indexes`",
    ),
    "error.queue_unavailable": (
        "任务队列暂时不可用，什么都没有写入，请稍后再试",
        "The task queue is unavailable and nothing was written; try again shortly",
    ),
    "error.no_provider": (
        "没有配置图片服务的密钥，暂时不能生成图片；请管理员设置以下之一：{settings}",
        "No image service has a key, so no pictures can be generated; the operator "
        "sets one of {settings}",
    ),
}
