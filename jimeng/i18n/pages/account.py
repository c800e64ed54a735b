"""Messages of the account pages."""

ACCOUNT: dict[str, tuple[str, str]] = {
    "account.pages": ("账号页面", "Account pages"),
    "page.account": ("设置", "Settings"),
    "page.account_keys": ("API 密钥", "API keys"),
    "page.account_webhooks": ("回调", "Webhooks"),
    "page.account_usage": ("用量", "Usage"),
    "page.account_security": ("安全", "Security"),
    "page.account_data": ("数据", "Data"),
    "account.done.profile": ("已保存", "Saved"),
    "account.done.key_budgets": ("预算已更改", "Budgets changed"),
    "account.done.defaults": ("默认设置已保存", "Defaults saved"),
    "account.done.password": (
        "密码已修改，其他设备已退出登录",
        "Password changed; you are signed out everywhere else",
    ),
    "account.done.sessions": ("其他设备都已退出登录", "Signed out everywhere else"),
    "account.done.password_keys": (
        "密码已修改，其他设备已退出登录，API 密钥已全部撤销",
        "Password changed; you are signed out everywhere else, and all API keys are "
        "revoked",
    ),
    "account.done.sessions_keys": (
        "其他设备都已退出登录，API 密钥已全部撤销",
        "Signed out everywhere else, and all API keys are revoked",
    ),
    "account.done.session": ("该设备已退出登录", "That browser is signed out"),
    "account.done.revoked": ("密钥已撤销", "Key revoked"),
    "account.save": ("保存", "Save"),
    # Settings.
    "account.profile": ("个人设置", "Profile"),
    "account.name": ("名字", "Name"),
    "account.email": ("邮箱", "E-mail"),
    "account.email_text": (
        "邮箱由管理员更改，需要时请联系管理员。",
        "Only an administrator can change it; ask one if you need to.",
    ),
    "account.language": ("语言", "Language"),
    "account.theme": ("主题", "Theme"),
    "account.theme.system": ("跟随系统", "System"),
    "account.theme.light": ("浅色", "Light"),
    "account.theme.dark": ("深色", "Dark"),
    "account.done.files": ("已保存", "Saved"),
    "account.files": ("下载的图片", "Downloaded pictures"),
    "account.files_with": (
        "把提示词、模型和种子写进文件",
        "Write the prompt, model and seed into the file",
    ),
    "account.files_text": (
        "把文件拖回输入框，就能接着创作；图片本身不变。文件发给谁，"
        "谁就能读到这些内容；分享的链接和页面上的图片里没有它们。",
        "Drop the file onto the form to continue from it; the picture itself is "
        "unchanged. Anyone who has the file can read this data. Shared links and "
        "pictures on pages do not contain it.",
    ),
    "account.begins": ("默认设置", "Defaults"),
    "account.begins_text": (
        "新任务默认使用这些设置，每次都可以修改。",
        "New tasks start with these; you can change them each time.",
    ),
    "account.in_cookie": ("这些设置保存在本浏览器中。", "Saved in this browser."),
    "account.as_before": ("和上次一样", "Same as last time"),
    "account.model": ("模型", "Model"),
    "account.size": ("比例", "Aspect ratio"),
    "account.n": ("张数", "Number of pictures"),
    # Security.
    "account.password": ("修改密码", "Change password"),
    "account.password_text": (
        "至少 {n} 个字符。修改后，其他设备需要重新登录。",
        "At least {n} characters. You will be signed out everywhere else.",
    ),
    "account.password.current": ("当前密码", "Current password"),
    "account.password.new": ("新密码", "New password"),
    "account.password.again": ("再输一次新密码", "Repeat new password"),
    "account.password_save": ("修改密码", "Change password"),
    "account.not_the_same": (
        "两次输入的新密码不一样",
        "The two passwords do not match",
    ),
    "account.sessions": ("已登录的设备", "Active sessions"),
    "account.sessions_text": (
        "有不认识的设备？请让它退出，并修改密码。{idle} 天不用会自动退出，"
        "最长 {longest} 天后需要重新登录。",
        "Not one of yours? Sign it out and change your password. A browser that is not "
        "used for {idle} days is signed out, and any after {longest} days.",
    ),
    "account.session_unknown": ("未知设备", "Unknown browser"),
    "account.session_this": ("本设备", "This browser"),
    "account.session_seen": ("最近使用", "Last used"),
    "account.session_since": ("登录于", "Signed in"),
    "account.session_end": ("退出", "Sign out"),
    "account.keys_too": (
        "同时撤销全部 API 密钥（{n} 个）",
        "Revoke the API keys as well ({n})",
    ),
    "account.sessions_end": ("退出其他所有设备", "Sign out everywhere else"),
    # Keys.
    "account.keys": ("我的密钥", "Your keys"),
    "account.keys_closed": (
        "当前没有启用登录，API 无需密钥，任何能访问本服务器的人都可以使用。"
        "需要账号和密钥时，请管理员在 .env 中设置：",
        "Sign-in is off, so the API needs no key, and anyone who can reach this "
        "server can use it. For accounts and keys, the administrator sets in .env:",
    ),
    "account.no_keys": (
        "还没有密钥。程序通过 API 提交任务时需要一个。",
        "No keys yet. A program needs one to use the API.",
    ),
    "account.key_created": ("密钥“{name}”已创建", "Key “{name}” created"),
    "account.key_created_text": (
        "请现在复制并妥善保存：离开本页后，任何人都无法再看到它。",
        "Copy it now and keep it safe: it will not be shown again.",
    ),
    "account.copy_key": ("复制密钥", "Copy key"),
    "account.copy_curl": ("复制命令", "Copy command"),
    "account.curl": ("在终端里试一下", "Try it in a terminal"),
    "account.curl_prompt": ("窗台上打盹的橘猫", "An orange cat asleep on a windowsill"),
    "account.created_at": ("创建于", "Created"),
    "account.key_used": ("上次使用", "Last used"),
    "account.key_unused": ("从未使用", "Never used"),
    "account.key_ends": ("到期", "Expires"),
    "account.key_endless": ("不过期", "Never expires"),
    "account.expired": ("已过期", "Expired"),
    "account.revoke": ("撤销", "Revoke"),
    "account.revoke_text": (
        "使用它的程序会立刻被拒绝，不能恢复。",
        "Programs that use it are refused at once. This cannot be undone.",
    ),
    "account.revoke_sure": ("确认撤销", "Revoke key"),
    "account.new_key": ("创建密钥", "New key"),
    "account.key_name": ("名称", "Name"),
    "account.key_name_hint": ("例如：上架脚本", "For example: shop script"),
    "account.key_days": ("有效期", "Valid for"),
    "account.days": ("{n} 天", "{n} days"),
    "account.days_endless": ("不过期", "No expiry"),
    "account.scopes": ("权限", "Permissions"),
    "scope.read": ("查看", "Read"),
    "scope.read_text": ("查看任务、图片和视频", "view tasks, pictures and videos"),
    "scope.write": ("创作", "Write"),
    "scope.write_text": ("提交、取消、删除任务", "create, cancel and delete tasks"),
    "scope.act_for": ("代表客户", "Act for customers"),
    "scope.act_for_text": (
        "还能代表 ID 以下面的前缀开头的用户（例如网店的客户），不能做别的",
        "act for users whose IDs begin with the prefix below, such as a shop's "
        "customers, and nothing else",
    ),
    "scope.account": ("账号", "Account"),
    "scope.account_text": (
        "创建密钥、删除账号：等同于密码，只在确有需要时勾选",
        "create keys and delete the account: equivalent to your password",
    ),
    "scope.admin": ("管理", "Admin"),
    "scope.admin_text": (
        "代表所有用户操作，只在确有需要时勾选",
        "act for every user; tick only if really needed",
    ),
    "account.bounds": ("更多限制", "More limits"),
    "account.bounds_text": (
        "给插件或别人的程序使用的密钥，可以限制得更严；留空则与账号相同",
        "Tighter limits for keys used by plug-ins or other people's programs. Left "
        "empty, the account's limits apply",
    ),
    "account.doors": ("可用的接口", "Allowed interfaces"),
    "door.api": ("REST 接口", "REST API"),
    "door.openai": ("OpenAI 兼容接口", "OpenAI-compatible API"),
    "door.mcp": ("MCP", "MCP"),
    "account.key_models": ("模型", "Models"),
    "account.tasks_per_minute": ("每分钟最多任务数", "Tasks per minute"),
    "account.daily_budget": ("每天的预算（元）", "Daily budget (yuan)"),
    "account.monthly_budget": ("每月的预算（元）", "Monthly budget (yuan)"),
    "account.change_budgets": ("修改预算", "Change budgets"),
    "account.budgets_text": (
        "立即生效，已花费和预留的都算在内；留空则只受账号的预算限制。",
        "Takes effect at once; what is already spent or reserved counts. Left empty, "
        "only the account's budget applies.",
    ),
    "account.save_budgets": ("保存预算", "Save budgets"),
    "account.spent_day": (
        "今天 {spent} / {limit}（含预留），重置于",
        "{spent} of {limit} today, including reserved; resets",
    ),
    "account.spent_month": (
        "本月 {spent} / {limit}（含预留），重置于",
        "{spent} of {limit} this month, including reserved; resets",
    ),
    "account.pictures_per_day": (
        "每天最多图片和视频数",
        "Pictures and videos per day",
    ),
    "account.user_prefix": (
        "客户 ID 的前缀，以冒号结尾",
        "Prefix of customer IDs, ending in a colon",
    ),
    "account.acts_for": ("代表 {prefix}…", "For {prefix}…"),
    "account.only_models": ("只用 {models}", "Only {models}"),
    "account.each_minute": ("每分钟 {n} 个任务", "{n} tasks per minute"),
    "account.each_day": (
        "每天 {n} 项（今天已用 {used} 项）",
        "{n} per day ({used} used today)",
    ),
    "account.make_key": ("创建密钥", "Create key"),
    # Usage.
    "usage.span": ("近 {n} 天", "{n} days"),
    "usage.quota": (
        "今天已生成 {used} / {quota} 项",
        "{used} of {quota} used today",
    ),
    "usage.done": ("完成", "Completed"),
    "usage.failed": ("失败", "Failed"),
    "usage.unknown": ("结果不明", "Unknown"),
    "usage.cancelled": ("取消", "Cancelled"),
    "usage.charged": ("已计费", "Charged"),
    "usage.maybe": ("另有 {n} 项不确定", "possibly {n} more"),
    "usage.none": ("近 {n} 天没有用量", "No usage in the last {n} days"),
    "usage.by_day": ("每天的图片和视频", "Pictures and videos per day"),
    "usage.chart": (
        "近 {days} 天每天的图片和视频：完成 {done}，失败 {failed}，不明 {unknown}",
        "Pictures and videos per day over {days} days: {done} completed, "
        "{failed} failed, {unknown} unknown",
    ),
    "usage.tells": (
        "{day}：完成 {done}，失败 {failed}，结果不明 {unknown}",
        "{day}: {done} completed, {failed} failed, {unknown} unknown",
    ),
    "usage.as_table": ("以表格查看", "Show as table"),
    "usage.day": ("日期", "Day"),
    "usage.utc": ("日期按世界协调时（UTC）划分。", "Days are counted in UTC."),
    "usage.counting": (
        "较早的数据还在统计中，请稍后再看。",
        "Earlier days are still being counted; check again later.",
    ),
    "usage.by_model": ("按模型", "By model"),
    # Data.
    "account.export": ("导出", "Export"),
    "account.export_text": (
        "把所有图片、视频和任务记录打包成一个 zip 文件。",
        "Download all pictures, videos and task records as one zip file.",
    ),
    "account.export_get": ("下载 zip", "Download zip"),
    "account.end": ("删除账号", "Delete account"),
    "account.end_text": (
        "账号、所有任务、图片、视频和密钥都会删除，不能恢复。需要的话请先导出。",
        "This deletes the account with all its tasks, pictures, videos and keys, and "
        "cannot be undone. Export what you want to keep first.",
    ),
    "account.end_email": ("输入 {email} 以确认", "Type {email} to confirm"),
    "account.not_the_email": ("与账号的邮箱不一致", "This is not the account's e-mail"),
    "account.end_sure": ("删除我的账号", "Delete my account"),
}
