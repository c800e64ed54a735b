"""Messages about webhooks."""

WEBHOOKS: dict[str, tuple[str, str]] = {
    "answer.webhook_deleted": (
        "回调地址已删除，不再发送",
        "The webhook has been deleted; nothing more is sent there",
    ),
    "error.webhook_not_found": (
        "没有这个回调地址；它可能已经删除",
        "No such webhook; it may have been deleted",
    ),
    "error.delivery_not_found": (
        "没有这次投递；结束的投递保留 30 天",
        "No such delivery; finished ones are stored for 30 days",
    ),
    "error.too_many_webhooks": (
        "回调地址最多 {limit} 个，请先删除不用的",
        "At most {limit} webhooks; delete some first",
    ),
    "error.webhook_disabled": (
        "这个回调地址已停用；请先把 enabled 改为 true",
        "This webhook is disabled; set enabled to true first",
    ),
    "error.webhooks_off": (
        "回调没有启用：服务器没有设置签名用的 SECRET_KEY，请管理员设置",
        "Webhooks are off: the server has no SECRET_KEY to sign them with; ask the "
        "operator to set one",
    ),
    "invalid.webhook_address": (
        "不是可以发送回调的地址：只接受 https，不带用户名，最多 2000 个字符",
        "Not an address that webhooks are sent to: https only, without a user name, at "
        "most 2,000 characters",
    ),
    "invalid.webhook_private": (
        "这个地址不在公网上；要发到内网，请管理员把它写进 ALLOWED_USER_HOSTS",
        "This address is not on the public internet; to send to a private one, ask "
        "the operator to list it in ALLOWED_USER_HOSTS",
    ),
    "invalid.webhook_key_changed": (
        "服务器的 SECRET_KEY 换过，签名密钥也就变了：请先轮换（rotate），再启用",
        "The server's SECRET_KEY has changed, and the signing secret with it: rotate "
        "first, then enable it",
    ),
    # The account page.
    "account.done.webhook_deleted": ("回调地址已删除", "Webhook deleted"),
    "webhooks.list": ("我的回调地址", "Your webhooks"),
    "webhooks.none": (
        "还没有。任务结束时，可以让你的程序收到通知。",
        "None yet. Your program can be notified when a task ends.",
    ),
    "webhooks.secret": ("签名密钥", "Signing secret"),
    "webhooks.secret_text": (
        "请现在存好，以后不再显示。",
        "Store it now; it is not shown again.",
    ),
    "webhooks.new": ("新的回调地址", "New webhook"),
    "webhooks.url": ("地址（https）", "Address (https)"),
    "webhooks.events": ("事件", "Events"),
    "webhooks.events_text": ("不选则接收全部。", "Select none to receive all."),
    "webhooks.include_prompt": ("包含提示词", "Include the prompt"),
    "webhooks.make": ("创建", "Create"),
    "webhooks.on": ("启用中", "Enabled"),
    "webhooks.off": ("已停用", "Disabled"),
    "webhooks.every_event": ("全部事件", "All events"),
    "webhooks.open": ("投递记录", "Deliveries"),
    "webhooks.back": ("所有回调地址", "All webhooks"),
    "webhooks.test": ("发送测试事件", "Send a test event"),
    "webhooks.enable": ("启用", "Enable"),
    "webhooks.disable": ("停用", "Disable"),
    "webhooks.rotate": ("轮换密钥", "Rotate the secret"),
    "webhooks.rotate_text": (
        "24 小时内新旧两个密钥都签名。",
        "For 24 hours the old secret signs as well.",
    ),
    "webhooks.replay_failed": ("补发全部失败的", "Replay all failed"),
    "webhooks.delete": ("删除", "Delete"),
    "webhooks.delete_text": (
        "未送达的不再发送，投递记录也一起删除。",
        "Undelivered events are dropped, and the delivery log is deleted.",
    ),
    "webhooks.no_deliveries": ("还没有投递", "No deliveries yet"),
    "webhooks.replay": ("补发", "Replay"),
    "webhooks.next_attempt": ("下一次", "Next attempt"),
    "webhooks.answer": ("接收方的响应", "Response"),
    "webhooks.older": ("更早的", "Older"),
    "webhooks.state.pending": ("等待", "Pending"),
    "webhooks.state.delivered": ("已送达", "Delivered"),
    "webhooks.state.failed": ("失败", "Failed"),
    # Why nothing is sent to an endpoint.
    "webhook.off.owner": ("已由所有者停用", "Disabled by its owner"),
    "webhook.off.gone": (
        "接收方返回 410：不再接收",
        "The receiver answered 410: it wants no more events",
    ),
    "webhook.off.failing": (
        "连续失败至少 50 次，持续超过一小时；修好接收方后重新启用，再补发失败的",
        "At least 50 failures in a row, over more than an hour. Repair the receiver, "
        "enable it again, then replay what failed",
    ),
    "webhook.off.secret_key_changed": (
        "服务器的 SECRET_KEY 换过，签名密钥也就变了：请轮换（rotate），再启用",
        "The server's SECRET_KEY has changed, and the signing secret with it: rotate "
        "it, then enable it",
    ),
    # What came of an attempt.
    "webhook.attempt.delivered": ("已送达（{status}）", "Delivered ({status})"),
    "webhook.attempt.refused": (
        "接收方返回 {status}，应为 2xx",
        "The receiver answered {status}, not 2xx",
    ),
    "webhook.attempt.redirected": (
        "接收方返回 {status} 重定向；不会跟随，请改成最终的地址",
        "The receiver redirects ({status}). Redirects are not followed: set the "
        "final address",
    ),
    "webhook.attempt.gone": (
        "接收方返回 410：不再接收，已停用",
        "The receiver answered 410: it wants no more events, and is disabled",
    ),
    "webhook.attempt.disabled": (
        "回调地址停用中，没有发送",
        "The webhook was disabled, so nothing was sent",
    ),
    "webhook.attempt.interrupted": (
        "发送进程一再中断，已放弃",
        "The sending process was interrupted again and again; given up",
    ),
    "webhook.attempt.no_address": (
        "查不到主机名的地址：检查拼写和 DNS",
        "The host name has no address: check its spelling, and DNS",
    ),
    "webhook.attempt.private_address": (
        "主机名指向不在公网上的地址，没有发送；要发到内网，"
        "请管理员把它写进 ALLOWED_USER_HOSTS",
        "The host name leads to an address that is not on the public internet, so "
        "nothing was sent; to send to a private one, ask the operator to list it in "
        "ALLOWED_USER_HOSTS",
    ),
    "webhook.attempt.own_host": (
        "地址指回本服务器，没有发送",
        "The address leads back to this server, so nothing was sent",
    ),
    "webhook.attempt.not_https": (
        "地址不是 https，没有发送",
        "The address is not https, so nothing was sent",
    ),
    "webhook.attempt.not_plain": (
        "不是可以发送的地址",
        "Not an address that anything can be sent to",
    ),
    "webhook.attempt.connect_timeout": (
        "连接超时：接收方没有接受连接",
        "Connecting timed out: the receiver does not accept connections",
    ),
    "webhook.attempt.connection_failed": (
        "连接失败：接收方没有在监听，或拒绝了连接",
        "Connection failed: the receiver is not listening, or refuses connections",
    ),
    "webhook.attempt.connection_lost": (
        "发出之后连接断开，没有收到完整的响应",
        "The connection broke after the request was sent; no complete response arrived",
    ),
    "webhook.attempt.answer_timeout": (
        "15 秒内没有响应：请先返回 2xx，再处理事件",
        "No response within 15 s: answer 2xx first, then process the event",
    ),
    "webhook.attempt.certificate_expired": (
        "接收方的证书已过期",
        "The receiver's certificate has expired",
    ),
    "webhook.attempt.certificate_wrong_host": (
        "接收方的证书不是这个主机名的",
        "The receiver's certificate is for another host name",
    ),
    "webhook.attempt.certificate_untrusted": (
        "接收方的证书不受信任（自签名，或缺少中间证书）",
        "The receiver's certificate is not trusted (self-signed, or an intermediate "
        "one is missing)",
    ),
    "webhook.attempt.tls_failed": (
        "TLS 握手失败",
        "The TLS handshake failed",
    ),
}
