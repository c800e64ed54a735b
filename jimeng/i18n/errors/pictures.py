"""Messages of failed pictures."""

PICTURES: dict[str, tuple[str, str]] = {
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
    "error.input_copyright_refused": (
        "提示词或参考图涉及版权内容，没有通过审核，没有计费；请修改提示词或换一张参考图",
        "The prompt or the reference picture contains copyrighted content and was "
        "refused; nothing was charged. Change the prompt, or use another picture",
    ),
    "error.input_face_refused": (
        "参考图里有真实人脸，这个模型不接受，没有计费；请换一张没有真人的参考图，"
        "或换一个模型",
        "The reference picture shows a real face, which this model does not accept; "
        "nothing was charged. Use one without a real person, or another model",
    ),
    "error.content_refused_picture": (
        "生成的图片未通过内容审核，没有计费；可以重试，或修改提示词",
        "The picture did not pass the content check and was not charged; try again, "
        "or change the prompt",
    ),
    "error.content_refused_video": (
        "生成的视频未通过内容审核，没有计费；可以重试，或修改提示词和图片",
        "The video did not pass the content check and was not charged; try again, or "
        "change the prompt or the pictures",
    ),
    "error.content_refused_audio": (
        "视频的声音未通过内容审核，没有计费；可以重试，或关掉声音再试",
        "The sound of the video did not pass the content check and was not charged; "
        "try again, or without sound",
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
        "Volcengine is already processing as many tasks as the account allows; "
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
        "火山引擎不接受这个请求，没有计费；请换一张图片、一种提示词或尺寸",
        "Volcengine rejected this request; nothing was charged. Use another picture, "
        "prompt or size",
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
        "火山引擎账号欠费、套餐到期或状态异常，没有计费；请管理员在控制台处理",
        "The Volcengine account is in arrears, its plan has expired, or it is "
        "suspended; nothing was charged. The operator can settle it in the console",
    ),
    "error.quota_exhausted": (
        "火山引擎账号的额度已用完，没有计费；请管理员在控制台提高额度或关闭安全体验模式",
        "The Volcengine account's quota is used up; nothing was charged. The operator "
        "can raise it in the console, or end safe trial mode there",
    ),
    "error.provider_failed": (
        "火山引擎没有生成成功；请稍后重试",
        "Volcengine did not finish it; try again later",
    ),
    "error.provider_not_configured": (
        "这个模型已不再提供，没有计费；请换一个模型",
        "This model is no longer offered here; nothing was charged. Use another one",
    ),
    "error.submit_unknown": (
        "请求已发出但没有收到答复，不知道火山引擎是否已受理和计费；"
        "系统不会自动重发，重试可能再次计费",
        "The request was sent but not answered: Volcengine may or may not have "
        "accepted and charged it. It is not sent again automatically, and a retry may "
        "be charged twice",
    ),
    "error.input_unreachable": (
        "无法获取参考图：地址打不开、需要登录、文件太大，或在内网；没有提交，"
        "没有计费。请检查地址，或改为上传图片",
        "A reference picture could not be fetched: its URL does not answer, requires "
        "a sign-in, or leads to a file that is too large or to a private network. "
        "Nothing was submitted or charged. Check the URL, or upload the picture",
    ),
    "error.input_invalid": (
        "参考图无法使用：不是 JPEG、PNG 或 WebP，已损坏，或尺寸、蒙版与模型不符；"
        "没有提交，没有计费。请换一张",
        "A reference picture cannot be used: it is not a JPEG, PNG or WebP file, is "
        "damaged, or its size or mask does not fit the model. Nothing was submitted "
        "or charged. Use another one",
    ),
    "error.timed_out": (
        "火山引擎没有在时限内完成，可能已经计费；系统稍后还会再查，重试可能再次计费",
        "Volcengine did not finish in time and may have charged it. It will be "
        "checked again later; a retry may be charged twice",
    ),
    "error.account_removed": (
        "提交时用的火山引擎账号已不在设置里，所以查不到结果，可能已经计费；"
        "12 小时内加回账号，系统还会再查，重试可能再次计费",
        "The Volcengine account that this was submitted to is no longer in "
        "the settings, so its result cannot be fetched, and it may have been "
        "charged. If the account is added back within 12 hours it is checked again; "
        "a retry may be charged twice",
    ),
    "error.result_lost": (
        "火山引擎已找不到这个任务的结果，可能已经计费；重试可能再次计费",
        "Volcengine no longer has this result and may have charged it; a retry may be "
        "charged twice",
    ),
    "error.result_empty": (
        "火山引擎报告完成，却没有返回结果，可能已经计费；重试可能再次计费",
        "Volcengine reported success but returned no result, and may have charged "
        "it; a retry may be charged twice",
    ),
    "error.picture_lost": (
        "已生成并计费，但没能取得并存下有效的文件；可以重试，会再次计费；"
        "如果反复出现，请管理员检查服务器的存储，以及到火山引擎的网络和代理",
        "It was generated and charged, but no valid file could be fetched and stored. "
        "A retry is charged again; if this keeps happening, the operator should check "
        "this server's storage, and its network and proxy towards Volcengine",
    ),
    "error.picture_cancelled": (
        "在提交前已取消，没有计费",
        "Cancelled before it was submitted; nothing was charged",
    ),
    "error.expired_at_provider": (
        "火山引擎一小时内没有完成，任务已过期，没有计费；请稍后重试",
        "Volcengine did not finish it within an hour, so it expired; nothing was "
        "charged. Try again later",
    ),
    "error.cancelled_at_provider": (
        "火山引擎在开始生成之前取消了它，没有计费；需要的话请重试",
        "It was cancelled at Volcengine before it began; nothing was charged. Try "
        "again if you still want it",
    ),
    "error.restored": (
        "数据从备份恢复时，还没有它的提交记录；它可能在备份之后已经提交和计费，"
        "所以没有再次提交，重试可能再次计费",
        "When the server was restored from a backup, this had not been "
        "accepted yet; it may have been submitted and charged since, so it was not "
        "submitted again, and a retry may be charged twice",
    ),
    "error.not_understood": (
        "这个版本的服务器无法识别它的记录；请把任务编号告诉管理员",
        "This version of the server cannot read its record; give the "
        "task ID to the operator",
    ),
    "error.picture_invalid": (
        "收到的文件无效",
        "The file received is not valid",
    ),
}
