"""
Words for every error code: what happened, and what to do.

``error.<code>`` is for a request or a picture that failed.
"""

ERRORS: dict[str, tuple[str, str]] = {
    # Requests.
    "error.internal": (
        "服务器内部出错，请稍后再试；若一再出现，请把 request_id 告诉管理员",
        "Something went wrong here. Try again later; if it keeps happening, give the "
        "request_id to the operator",
    ),
    "error.bad_request": ("请求格式有误", "The request is malformed"),
    "error.not_found": ("没有这个地址", "There is nothing at this address"),
    "error.method_not_allowed": (
        "这个地址不支持该请求方法",
        "This address does not take that method",
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
        "请求体必须是 JSON：请加上 Content-Type: application/json",
        "The body must be JSON: send Content-Type: application/json",
    ),
    "error.request_too_large": (
        "请求体超过 1 MiB，请缩小后再试",
        "The body is over 1 MiB; send a smaller one",
    ),
    "error.invalid_json": (
        "请求体不是有效的 JSON 对象",
        "The body is not a valid JSON object",
    ),
    "error.validation_failed": (
        "请求参数有误，请按 errors 中的说明修改",
        "Some fields are invalid; errors says what they take",
    ),
    "error.idempotency_key_invalid": (
        "Idempotency-Key 必须是 1 到 255 个可见 ASCII 字符",
        "Idempotency-Key must be 1 to 255 visible ASCII characters",
    ),
    "error.idempotency_key_reused": (
        "这个 Idempotency-Key 已用于另一个请求，请换一个新的",
        "This Idempotency-Key was used for another request; use a new one",
    ),
    "error.cross_site": (
        "请求来自其他网站，已拒绝；请在本站页面上操作",
        "The request came from another site and was refused; use this site's pages",
    ),
    "error.admins_only": (
        "只有管理员可以查看；请使用管理员的密钥",
        "Only administrators may see this; use an administrator's key",
    ),
    "error.user_id_not_yours": (
        "启用登录后，任务属于 API 密钥的主人：请求里不要写 user_id",
        "With sign-in on, a task belongs to the API key's owner: leave user_id out",
    ),
    "error.wrong_host": (
        "本服务器不以这个域名提供服务；管理员可用 PUBLIC_URL 或 ALLOWED_HOSTS 添加",
        "This server does not answer to that host name; the operator can add it with "
        "PUBLIC_URL or ALLOWED_HOSTS",
    ),
    "error.unauthorized": (
        "需要 API 密钥：请求头写 Authorization: Bearer <密钥>，密钥在账号页面创建",
        "An API key is required: send Authorization: Bearer <key>; create keys on the "
        "account page",
    ),
    "error.api_key_invalid": (
        "API 密钥无效、已撤销或已过期；请在账号页面创建新的密钥",
        "The API key is invalid, revoked or expired; create a new one on the account "
        "page",
    ),
    "error.email_by_admin": (
        "邮箱由管理员更改，请联系管理员",
        "Only an administrator changes an e-mail; ask one",
    ),
    "error.scope_too_small": (
        "这个 API 密钥的权限不够；请使用有 {scope} 权限的密钥",
        "This API key does not have enough permissions; use one with the {scope} scope",
    ),
    "error.sign_in_required": ("请先登录", "Sign in first"),
    "error.sign_in_failed": ("邮箱或密码不对", "Wrong e-mail or password"),
    "error.too_many_attempts": (
        "登录失败次数太多，请 {minutes} 分钟后再试",
        "Too many failed sign-ins; try again in {minutes} min",
    ),
    "error.second_factor_failed": (
        "验证码不对或已经用过；请等验证器换一个新的再试",
        "That code is wrong or already used; wait for the next one in your app",
    ),
    "error.second_factor_lacking": (
        "请先设置第二步验证",
        "Set up two-step sign-in first",
    ),
    "error.ticket_invalid": (
        "时间太久，请从头再来一次",
        "That took too long; please start again",
    ),
    "error.sign_in_busy": (
        "此刻登录的人太多，请过几秒再试",
        "Too many are signing in at this moment; try again in a few seconds",
    ),
    "error.invitation_invalid": (
        "邀请链接已使用、已过期或无效；请管理员重新邀请",
        "This invitation link was used, has expired or is invalid; ask the operator "
        "for a new one",
    ),
    "error.session_not_found": (
        "这台设备已经退出登录",
        "That browser is signed out already",
    ),
    "error.api_key_not_found": ("没有这个 API 密钥", "No such API key"),
    "error.task_not_found": ("没有这个任务", "No such task"),
    "error.image_not_found": ("没有这张图片", "No such picture"),
    "error.user_not_found": ("没有这个用户", "No such user"),
    "error.email_taken": (
        "这个邮箱已有用户使用，请换一个",
        "This e-mail is already in use; choose another",
    ),
    "error.task_finished": (
        "任务已经结束，不能再取消",
        "The task has already ended and cannot be cancelled",
    ),
    "error.task_not_retryable": (
        "只有失败或已取消的任务可以重试",
        "Only failed or cancelled tasks can be retried",
    ),
    "error.may_be_charged_twice": (
        "上一次提交可能已经计费，重试可能再次计费；"
        "确认后请附上 accept_double_charge: true",
        "The first attempt may have been charged, and a retry may be charged again; "
        "send accept_double_charge: true if that is fine",
    ),
    "error.out_of_time": (
        "一次请求的任务太多，还没轮到这一个；请把它再发一次",
        "There were too many tasks in one request to reach this one; send it again",
    ),
    "error.queue_cleared": (
        "管理员清空了队列，任务未开始，不收费；可以重试",
        "The operator cleared the queue before the task started; nothing was charged, "
        "and you can retry it",
    ),
    "error.intake_paused": (
        "管理员暂停了新任务，请稍后再试；已提交的任务不受影响",
        "The operator has paused new tasks; try again later. Tasks already submitted "
        "are not affected",
    ),
    "error.last_admin": (
        "这是最后一位管理员，请先让另一位用户成为管理员",
        "This is the last administrator; make someone else one first",
    ),
    "error.not_yourself": (
        "不能对自己的账号这样做，请由另一位管理员操作",
        "You cannot do this to your own account; ask another administrator",
    ),
    "error.too_many_pending": (
        "等待中的图片已达上限 {limit} 张，请等一部分完成后再提交",
        "At most {limit} pictures may wait at a time; submit more when some are done",
    ),
    "error.too_many_requests": (
        "请求太多：每分钟最多 {limit} 个，请过 {seconds} 秒再试",
        "Too many requests: {limit} a minute at the most; try again in {seconds} "
        "seconds",
    ),
    "error.too_many_submissions": (
        "每分钟最多提交 {limit} 个任务，请过 {seconds} 秒再试",
        "At most {limit} tasks a minute; try again in {seconds} seconds",
    ),
    "error.quota_exceeded": (
        "今天的 {limit} 张配额还剩 {left} 张；每天 UTC 零点（北京时间 8 点）重新计算",
        "{left} of today's {limit} pictures are left; the quota resets at midnight UTC",
    ),
    "error.database_unavailable": (
        "数据库暂时不可用，请稍后再试；带上同一个 Idempotency-Key 就不会重复创建",
        "The database is unavailable; try again shortly. With the same "
        "Idempotency-Key nothing is created twice",
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
        "没有配置出图服务的密钥，暂时不能出图；请管理员设置以下之一：{settings}",
        "No image service has a key, so no pictures can be drawn; the operator sets "
        "one of {settings}",
    ),
    # Pictures.
    "error.content_refused_prompt": (
        "提示词未通过内容审核，没有计费；请修改提示词后再试",
        "The prompt did not pass the content check and was not charged; change the "
        "prompt and try again",
    ),
    "error.content_refused_input_image": (
        "参考图未通过内容审核，没有计费；请换一张参考图",
        "The reference picture did not pass the content check and was not charged; "
        "use another one",
    ),
    "error.content_refused_picture": (
        "生成的图片未通过内容审核，没有计费；可以重试，或修改提示词",
        "The picture did not pass the content check and was not charged; try again, "
        "or change the prompt",
    ),
    "error.content_refused_picture_text": (
        "图片中的文字未通过内容审核，没有计费；请修改提示词中的文字",
        "The text in the picture did not pass the content check and was not charged; "
        "change the text you asked for",
    ),
    "error.moderation_unavailable": (
        "火山引擎的审核服务暂时出错，没有计费；请稍后重试",
        "Volcengine's content check is temporarily unavailable; nothing was "
        "charged. Try again later",
    ),
    "error.rate_limited": (
        "火山引擎限制了请求频率，没有计费；请稍后重试",
        "Volcengine is limiting the rate of requests; nothing was charged. Try again "
        "later",
    ),
    "error.concurrency_limited": (
        "火山引擎同时处理的任务已满，没有计费；请稍后重试",
        "Volcengine is already drawing as many pictures as the account may have; "
        "nothing was charged. Try again later",
    ),
    "error.provider_internal": (
        "火山引擎内部出错；请稍后重试",
        "Volcengine had an internal error; try again later",
    ),
    "error.provider_unreachable": (
        "连接不上火山引擎，没有计费；请稍后重试",
        "Volcengine could not be reached; nothing was charged. Try again later",
    ),
    "error.provider_refused": (
        "火山引擎拒绝了请求；请把 provider_request_id 告诉管理员",
        "Volcengine refused the request; give the provider_request_id to the operator",
    ),
    "error.parameter_refused": (
        "火山引擎不接受某个参数，没有计费；请换一个尺寸或缩短提示词",
        "Volcengine rejected one of the parameters; nothing was charged. Use another "
        "size or a shorter prompt",
    ),
    "error.input_refused": (
        "火山引擎不接受这个请求，没有计费；请换一种提示词或尺寸",
        "Volcengine rejected this request; nothing was charged. Use another prompt or "
        "size",
    ),
    "error.access_denied": (
        "火山引擎账号没有开通这个模型或已欠费，没有计费；请管理员在控制台开通",
        "The Volcengine account has not activated this model or is in arrears; "
        "nothing was charged. The operator can activate it in the console",
    ),
    "error.credentials_invalid": (
        "火山引擎不认可服务器的密钥，没有计费；请管理员检查 VOLCENGINE_ACCESS_KEY "
        "和 VOLCENGINE_SECRET_KEY，方舟的模型检查 ARK_API_KEY",
        "Volcengine rejected this server's keys; nothing was charged. The operator "
        "should check VOLCENGINE_ACCESS_KEY and VOLCENGINE_SECRET_KEY, or ARK_API_KEY "
        "for models of Ark",
    ),
    "error.clock_wrong": (
        "服务器时钟与火山引擎相差太大，没有计费；请管理员校准时钟",
        "This server's clock differs too much from Volcengine's; nothing was charged. "
        "The operator should set the clock",
    ),
    "error.permission_missing": (
        "火山引擎密钥没有调用权限，没有计费；请管理员在访问控制中授权",
        "The Volcengine keys lack a permission; nothing was charged. The operator can "
        "grant it under access control",
    ),
    "error.request_refused": (
        "火山引擎网关拒绝了请求，没有计费；请管理员检查 VOLCENGINE_ENDPOINT",
        "Volcengine's gateway refused the request; nothing was charged. The operator "
        "should check VOLCENGINE_ENDPOINT",
    ),
    "error.model_not_found": (
        "火山引擎没有这个模型或已将它下线，没有计费；请换一个模型",
        "Volcengine does not have this model or has retired it; nothing was charged. "
        "Use another one",
    ),
    "error.account_overdue": (
        "火山引擎账号欠费或状态异常，没有计费；请管理员在控制台处理",
        "The Volcengine account is in arrears or suspended; nothing was charged. The "
        "operator can settle it in the console",
    ),
    "error.quota_exhausted": (
        "火山引擎账号的额度已用完，没有计费；请管理员在控制台提高额度或关闭安全体验模式",
        "The Volcengine account's quota is used up; nothing was charged. The operator "
        "can raise it in the console, or end safe trial mode there",
    ),
    "error.provider_failed": (
        "火山引擎没有完成这张图片；请稍后重试",
        "Volcengine did not finish this picture; try again later",
    ),
    "error.provider_not_configured": (
        "这个模型已不再提供，没有计费；请换一个模型",
        "This model is no longer offered here; nothing was charged. Use another one",
    ),
    "error.submit_unknown": (
        "请求已发出但没有收到答复，不知道火山引擎是否已受理和计费；"
        "系统不会自动重发，重试可能再次计费",
        "The request was sent but never answered, so nobody knows whether Volcengine "
        "accepted and charged it. It is not sent again automatically, and a retry may "
        "be charged twice",
    ),
    "error.timed_out": (
        "火山引擎没有在时限内完成，可能已经计费；系统稍后还会再查两次，"
        "重试可能再次计费",
        "Volcengine did not finish in time and may have charged it. It will be "
        "checked twice more later; a retry may be charged twice",
    ),
    "error.result_lost": (
        "火山引擎已找不到这个任务的结果，可能已经计费；重试可能再次计费",
        "Volcengine no longer has this result and may have charged it; a retry may be "
        "charged twice",
    ),
    "error.result_empty": (
        "火山引擎报告完成却没有给出图片，可能已经计费；重试可能再次计费",
        "Volcengine reported success but gave no picture, and may have charged it; a "
        "retry may be charged twice",
    ),
    "error.picture_lost": (
        "图片已生成并计费，但没能取得有效的图片文件；可以重试，会再次计费；"
        "如果反复出现，请管理员检查服务器到火山引擎的网络和代理",
        "The picture was drawn and charged, but no valid file could be fetched. A "
        "retry is charged again; if this keeps happening, the operator should check "
        "this server's network and proxy towards Volcengine",
    ),
    "error.not_understood": (
        "这个版本的服务器读不懂这张图片的记录；请把任务的编号告诉管理员",
        "This version of the server cannot read the record of this picture; give the "
        "task's id to the operator",
    ),
    "error.picture_invalid": (
        "收到的文件不是有效的图片",
        "The file received is not a valid picture",
    ),
}
