"""The words of the account pages."""

ACCOUNT: dict[str, tuple[str, str]] = {
    "account.pages": ("账号页面", "Account pages"),
    "page.account": ("设置", "Settings"),
    "page.account_keys": ("API 密钥", "API keys"),
    "page.account_usage": ("用量", "Usage"),
    "page.account_security": ("安全", "Security"),
    "page.account_data": ("数据", "Data"),
    "account.done.profile": ("已保存", "Saved"),
    "account.done.defaults": (
        "已保存，新任务会从这里开始",
        "Saved; new tasks begin so",
    ),
    "account.done.password": (
        "密码已修改，其他设备已退出登录",
        "The password is changed, and all other browsers are signed out",
    ),
    "account.done.sessions": (
        "其他设备都已退出登录",
        "All other browsers are signed out",
    ),
    "account.done.revoked": ("密钥已撤销", "The key is revoked"),
    "account.save": ("保存", "Save"),
    # Settings.
    "account.profile": ("个人设置", "You"),
    "account.name": ("名字", "Name"),
    "account.language": ("语言", "Language"),
    "account.theme": ("主题", "Theme"),
    "account.theme.system": ("跟随系统", "As the system"),
    "account.theme.light": ("浅色", "Light"),
    "account.theme.dark": ("深色", "Dark"),
    "account.begins": ("新任务的起点", "What a new task begins with"),
    "account.begins_words": (
        "打开创作页时先选好这些；每次都可以再改。",
        "The form is filled with these when it is opened; any of them can be changed.",
    ),
    "account.in_cookie": (
        "这些设置保存在本浏览器中。",
        "They are kept in this browser.",
    ),
    "account.as_before": ("和上次一样", "As last time"),
    "account.model": ("模型", "Model"),
    "account.size": ("画幅", "Shape"),
    "account.n": ("张数", "Pictures"),
    # Security.
    "account.password": ("修改密码", "Change the password"),
    "account.password_words": (
        "至少 {n} 个字符。修改后，其他设备需要重新登录。",
        "At least {n} characters. Other browsers have to sign in again afterwards.",
    ),
    "account.password.current": ("当前密码", "Current password"),
    "account.password.new": ("新密码", "New password"),
    "account.password.again": ("再输一次新密码", "The new password once more"),
    "account.password_save": ("修改密码", "Change it"),
    "account.not_the_same": ("两次输入的新密码不一样", "The two are not the same"),
    "account.sessions": ("已登录的设备", "Where you are signed in"),
    "account.sessions_words": (
        "在别处忘了退出？这里可让其他设备全部退出，本设备仍保持登录。密钥不受影响。",
        "Left a browser signed in somewhere? This ends all sessions but this one. API "
        "keys go on working.",
    ),
    "account.sessions_end": ("退出其他所有设备", "Sign out everywhere else"),
    # Keys.
    "account.keys": ("我的密钥", "Your keys"),
    "account.keys_closed": (
        "当前没有启用登录，API 无需密钥，任何能访问本服务器的人都可以使用。"
        "需要账号和密钥时，请管理员在 .env 中设置：",
        "Sign-in is off here, so the API asks for no key, and whoever reaches this "
        "server may use it. For accounts and keys the operator puts into .env:",
    ),
    "account.no_keys": (
        "还没有密钥。程序通过 API 提交任务时需要一个。",
        "No keys yet. A program needs one to use the API.",
    ),
    "account.made": ("密钥“{name}”已创建", "The key “{name}” is made"),
    "account.made_words": (
        "请现在复制并妥善保存：离开本页后，任何人都无法再看到它。",
        "Copy it now and keep it safe: once you leave this page it is gone from view.",
    ),
    "account.copy_key": ("复制密钥", "Copy the key"),
    "account.copy_curl": ("复制命令", "Copy the command"),
    "account.curl": ("在终端里试一下", "Try it in a terminal"),
    "account.curl_prompt": ("窗台上打盹的橘猫", "An orange cat asleep on a windowsill"),
    "account.key_made": ("创建于", "Made"),
    "account.key_used": ("上次使用", "last used"),
    "account.key_unused": ("从未使用", "never used"),
    "account.key_ends": ("到期", "ends"),
    "account.key_endless": ("不过期", "does not expire"),
    "account.expired": ("已过期", "Expired"),
    "account.revoke": ("撤销", "Revoke"),
    "account.revoke_words": (
        "使用它的程序会立刻被拒绝，不能恢复。",
        "Programs that use it are refused at once. This cannot be undone.",
    ),
    "account.revoke_sure": ("确认撤销", "Revoke it"),
    "account.new_key": ("创建密钥", "Make a key"),
    "account.key_name": ("名称", "Name"),
    "account.key_name_hint": ("例如：上架脚本", "For instance: shop script"),
    "account.key_days": ("有效期", "Good for"),
    "account.days": ("{n} 天", "{n} days"),
    "account.days_endless": ("不过期", "Until it is revoked"),
    "account.scopes": ("权限", "It may"),
    "scope.read": ("查看", "Read"),
    "scope.read_words": ("查看任务和图片", "look at tasks and pictures"),
    "scope.write": ("创作", "Write"),
    "scope.write_words": (
        "提交、取消、删除任务",
        "ask for pictures, cancel and delete",
    ),
    "scope.admin": ("管理", "Admin"),
    "scope.admin_words": (
        "代表所有用户操作，只在确有需要时勾选",
        "do so for everybody; only if it is needed",
    ),
    "account.make_key": ("创建密钥", "Make the key"),
    # Usage.
    "usage.span": ("近 {n} 天", "{n} days"),
    "usage.quota": (
        "今天已用 {used} / {quota} 张",
        "Today {used} of {quota} pictures",
    ),
    "usage.done": ("画成", "Made"),
    "usage.failed": ("失败", "Failed"),
    "usage.unknown": ("结果不明", "Unknown"),
    "usage.cancelled": ("取消", "Cancelled"),
    "usage.charged": ("已计费", "Charged"),
    "usage.maybe": ("另有 {n} 张不确定", "{n} more perhaps"),
    "usage.none": ("近 {n} 天没有用量", "Nothing was made in the last {n} days"),
    "usage.by_day": ("每天的图片", "Pictures by day"),
    "usage.chart": (
        "近 {days} 天每天的图片：画成 {done} 张，失败 {failed} 张，不明 {unknown} 张",
        "Pictures by day, {days} days: {done} made, {failed} failed, {unknown} unknown",
    ),
    "usage.tells": (
        "{day}：画成 {done}，失败 {failed}，结果不明 {unknown}",
        "{day}: {done} made, {failed} failed, {unknown} unknown",
    ),
    "usage.as_table": ("以表格查看", "As a table"),
    "usage.day": ("日期", "Day"),
    "usage.utc": ("日期按世界协调时（UTC）划分。", "Days begin at midnight, UTC."),
    "usage.by_model": ("按模型", "By model"),
    # Data.
    "account.export": ("导出", "Take it along"),
    "account.export_words": (
        "把所有图片和任务记录打包成一个 zip 文件。",
        "All pictures and the records of all tasks, in one zip file.",
    ),
    "account.export_get": ("下载 zip", "Download the zip"),
    "account.end": ("删除账号", "Delete the account"),
    "account.end_words": (
        "账号、所有任务、图片和密钥都会删除，不能恢复。需要的话请先导出。",
        "The account goes, with all tasks, pictures and keys, and cannot be brought "
        "back. Export what you want to keep first.",
    ),
    "account.end_email": (
        "输入 {email} 以确认",
        "Write {email} to confirm",
    ),
    "account.not_the_email": (
        "和账号的邮箱不一样",
        "This is not the e-mail of the account",
    ),
    "account.end_sure": ("删除我的账号", "Delete my account"),
}
