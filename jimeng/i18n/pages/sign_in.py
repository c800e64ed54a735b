"""Messages of sign-in and invitations."""

SIGN_IN: dict[str, tuple[str, str]] = {
    "confirm.title": ("确认是你本人", "Confirm it's you"),
    "confirm.text": (
        "这一步需要密码。十分钟内不会再问。",
        "This step needs your password. You won't be asked again for ten minutes.",
    ),
    "confirm.send": ("确认", "Confirm"),
    "confirm.back": ("取消", "Cancel"),
    "error.password_needed": (
        "请先输入密码，确认是你本人",
        "Enter your password first to confirm it's you",
    ),
    "sign_in.title": ("登录", "Sign in"),
    "sign_in.email": ("邮箱", "E-mail"),
    "sign_in.password": ("密码", "Password"),
    "sign_in.send": ("登录", "Sign in"),
    "sign_in.out": ("退出登录", "Sign out"),
    "sign_in.ended": (
        "登录已过期，或已在别处退出。重新登录后，写了一半的内容还在。",
        "Your session has ended. What you were writing is still there once you sign in "
        "again.",
    ),
    "sign_in.hint": (
        "没有账号或忘了密码？请管理员发一个邀请链接。",
        "No account, or forgot your password? Ask the administrator for an invitation "
        "link.",
    ),
    "invitation.title": ("设置密码", "Set a password"),
    "invitation.text": (
        "你好，{name}。设置密码后即可用 {email} 登录。",
        "Hello, {name}. Set a password to sign in as {email}.",
    ),
    "invitation.password": ("新密码", "New password"),
    "invitation.hint": (
        "至少 {n} 个字符。这个链接只能用一次。",
        "At least {n} characters. This link works only once.",
    ),
    "invitation.send": ("保存并登录", "Save and sign in"),
}
