"""Messages of the second factor: sign-in and set-up."""

SECOND_FACTOR: dict[str, tuple[str, str]] = {
    "enter_code.title": ("输入验证码", "Enter your code"),
    "enter_code.of_app": (
        "验证器 App 上的 6 位数字",
        "6-digit code from your authenticator app",
    ),
    "enter_code.send": ("继续", "Continue"),
    "enter_code.lost": ("手机不在身边？", "Don't have your phone?"),
    "enter_code.recovery": ("恢复码", "Recovery code"),
    "enter_code.lost_text": (
        "每个恢复码只能用一次。恢复码也没有了，请管理员重置两步验证。",
        "Each recovery code works once. If all are used, ask an administrator to "
        "reset two-step sign-in.",
    ),
    "factor.heading": ("两步验证", "Two-step sign-in"),
    "factor.text": (
        "登录时除密码外，再输入手机上验证器 App 显示的数字：即使密码泄露，"
        "别人也无法登录。API 密钥不受影响。",
        "Sign in with your password and a code from an app on your phone: a stolen "
        "password alone is then not enough. API keys keep working.",
    ),
    "factor.lacking": (
        "本服务器要求先设置两步验证，然后才能使用。",
        "This server requires you to set up two-step sign-in first.",
    ),
    "factor.password": ("输入密码确认", "Confirm with your password"),
    "factor.begin": ("开始设置", "Set up"),
    "factor.on": ("已于 {day} 开启。", "On since {day}."),
    "factor.codes_remaining": ("还有 {n} 个恢复码。", "Remaining recovery codes: {n}."),
    "factor.renew": ("重新生成恢复码", "New recovery codes"),
    "factor.remove": ("关闭两步验证", "Turn off"),
    "factor.scan": ("用验证器扫描", "Scan with your app"),
    "factor.scan_text": (
        "打开手机上的验证器 App（任何支持 TOTP 的都可以），扫描这张图，"
        "再输入它显示的 6 位数字。",
        "Open an authenticator app on your phone (any that supports TOTP), scan this "
        "code, and enter the 6 digits that it shows.",
    ),
    "factor.picture": ("供验证器扫描的二维码", "QR code for your authenticator app"),
    "factor.by_hand": (
        "扫不了？把这串字母和数字输入验证器：",
        "Can't scan it? Type this key into the app:",
    ),
    "factor.open": ("在本机的验证器里打开", "Open in an app on this device"),
    "factor.set_up": ("开启", "Turn on"),
    "factor.codes": ("恢复码", "Recovery codes"),
    "factor.codes_text": (
        "两步验证已开启。手机丢失时，用这 {n} 个恢复码登录，每个只能用一次。"
        "请现在保存到别处：离开本页后不再显示。",
        "Two-step sign-in is on. If you lose your phone, these {n} codes get you in, "
        "once each. Save them somewhere safe now: they are not shown again.",
    ),
    "factor.copy": ("复制", "Copy"),
    "factor.saved": ("我已保存好", "I've saved them"),
    "account.done.factor_removed": (
        "两步验证已关闭，登录只需密码",
        "Two-step sign-in is off; your password is enough again",
    ),
}
