"""The words of signing in and of invitations."""

SIGN_IN: dict[str, tuple[str, str]] = {
    "sign_in.title": ("登录", "Sign in"),
    "sign_in.email": ("邮箱", "E-mail"),
    "sign_in.password": ("密码", "Password"),
    "sign_in.send": ("登录", "Sign in"),
    "sign_in.out": ("退出登录", "Sign out"),
    "sign_in.hint": (
        "没有账号或忘了密码？请管理员发一个邀请链接。",
        "No account, or forgot your password? Ask the administrator for an invitation "
        "link.",
    ),
    "invitation.title": ("设置密码", "Set a password"),
    "invitation.words": (
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
