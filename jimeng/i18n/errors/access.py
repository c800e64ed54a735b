"""Messages of authentication and authorisation errors."""

ACCESS: dict[str, tuple[str, str]] = {
    "error.cross_site": (
        "请求来自其他网站，已拒绝；请在本站页面上操作。其他网站的页面要带密钥调用接口，"
        "由管理员写进 CORS_ORIGINS",
        "The request came from another site and was refused; use this site's pages. "
        "For a page elsewhere to call the API with a key, the operator lists its "
        "origin in CORS_ORIGINS",
    ),
    "error.admins_only": (
        "只有管理员可以查看；请使用管理员的账号或密钥",
        "Only administrators can see this; use an administrator's account or key",
    ),
    "error.user_id_not_yours": (
        "启用登录后，任务属于 API 密钥的主人：请求里不要写 user_id；要代表自己的客户，"
        "请用带 act_for 权限的密钥，写它前缀（如 {prefix}）下的 user_id，"
        "别的店铺的密钥代表的除外",
        "With sign-in on, a task belongs to the API key's owner: leave user_id out. To "
        "act for customers of yours, use a key with the scope act_for, and a user_id "
        "under its prefix, such as {prefix}, for which no other shop's key acts",
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
        "Only an administrator can change the e-mail; ask one",
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
        "验证码不对或已经用过；请等验证器换一个新的，或换一个恢复码",
        "That code is wrong or already used; wait for the next one in your app, or use "
        "another recovery code",
    ),
    "error.second_factor_lacking": (
        "请先设置两步验证",
        "Set up two-step sign-in first",
    ),
    "error.door_closed": (
        "这个密钥不能用于这个接口，只能用于：{doors}",
        "This key cannot be used here; it is limited to: {doors}",
    ),
    "error.model_not_allowed": (
        "这个密钥不能用这个模型，只能用：{allowed}",
        "This key cannot use this model; it is limited to: {allowed}",
    ),
    "error.ticket_invalid": (
        "已超时，请重新开始",
        "That took too long; please start again",
    ),
    "error.sign_in_busy": (
        "此刻登录的人太多，请过几秒再试",
        "Too many people are signing in right now; try again in a few seconds",
    ),
    "error.invitation_invalid": (
        "邀请链接已使用、已过期或无效；请管理员重新邀请",
        "This invitation link was used, has expired or is invalid; ask an "
        "administrator for a new one",
    ),
    "error.session_not_found": (
        "这台设备已经退出登录",
        "That browser is signed out already",
    ),
    "error.api_key_not_found": ("没有这个 API 密钥", "No such API key"),
    "error.user_not_found": ("没有这个用户", "No such user"),
    "error.email_taken": (
        "这个邮箱已有用户使用，请换一个",
        "This e-mail is already in use; choose another",
    ),
    "error.last_admin": (
        "这是最后一位管理员，请先让另一位用户成为管理员",
        "This is the last administrator; make someone else one first",
    ),
    "error.not_yourself": (
        "不能对自己的账号这样做，请由另一位管理员操作",
        "You cannot do this to your own account; ask another administrator",
    ),
}
