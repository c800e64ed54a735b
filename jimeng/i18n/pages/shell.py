"""Messages of every page."""

SHELL: dict[str, tuple[str, str]] = {
    "app.title": ("即梦", "jimeng"),
    "app.description": (
        "用文字生成图片和视频，存在自己的服务器上",
        "Pictures and videos from words, stored on your own server",
    ),
    "tell.title": ("完成时通知我", "Notify me"),
    "tell.words": (
        "图片或视频完成、这个标签页又不在前台时通知；只在这个浏览器里生效。",
        "When a picture or a video is done and this tab is in the background; in "
        "this browser only.",
    ),
    "tell.notice": ("系统通知", "Notification"),
    "tell.sound": ("声音", "Sound"),
    "tell.denied": (
        "浏览器拦截了通知，请在网站设置里允许",
        "Notifications are blocked; allow them in the browser's settings for this site",
    ),
    "app.skip": ("跳到内容", "Skip to content"),
    "app.home": ("回到首页", "Home"),
    "app.offline": (
        "连不上服务器，恢复后页面自动更新；写下的文字还在",
        "Cannot reach the server; the page continues once it is back. Your text is "
        "kept",
    ),
    "app.lost": (
        "提交没有成功：连不上服务器。写下的文字还在，请再提交一次",
        "That was not submitted: the server could not be reached. Your text is kept; "
        "please submit again",
    ),
    "app.docs": ("接口文档", "API"),
    "app.close": ("关闭", "Close"),
    "app.show_password": ("显示密码", "Show password"),
    "app.copied": ("已复制", "Copied"),
    "fault.missing": ("没有找到", "Not found"),
    "fault.refused": ("没有权限", "Not allowed"),
    "fault.wrong": ("操作没有成功", "That did not work"),
    "fault.broken": ("服务出了故障", "Server error"),
    "fault.retry": ("再试一次", "Try again"),
    "nav.label": ("主导航", "Main"),
    "nav.create": ("创作", "Create"),
    "nav.gallery": ("图库", "Gallery"),
    "nav.tasks": ("任务", "Tasks"),
    "nav.account": ("我的", "Account"),
    "nav.operator": ("管理", "Admin"),
    "keys.title": ("键盘快捷键", "Keyboard shortcuts"),
    "keys.go": ("前往{where}", "Go to {where}"),
    "keys.everywhere": ("通用", "Everywhere"),
    "keys.this": ("显示这份列表", "Show this list"),
    "keys.on": ("启用快捷键", "Use shortcuts"),
    "keys.typing": (
        "正在输入文字时，单键快捷键不起作用。",
        "Single keys do nothing while you are typing.",
    ),
    "wants.missing": ("请填写这一项", "Please fill this in"),
    "wants.email": ("请填写完整的邮箱地址", "Please enter a full e-mail address"),
    "wants.number": ("请填写数字", "Please enter a number"),
    "wants.short": ("至少 {n} 个字符", "At least {n} characters"),
    "wants.long": ("最多 {n} 个字符", "At most {n} characters"),
    "wants.low": ("不能小于 {n}", "Must be {n} or more"),
    "wants.high": ("不能大于 {n}", "Must be {n} or less"),
    "wants.other": ("格式不正确", "This value is not valid"),
    "theme.system": ("主题：跟随系统", "Theme: system"),
    "theme.light": ("主题：浅色", "Theme: light"),
    "theme.dark": ("主题：深色", "Theme: dark"),
    "demo.name": ("演示模式", "Demo mode"),
    "demo.words": (
        "图片和视频由内置的模拟器生成，不计费",
        "Pictures and videos come from a built-in simulator, free of charge",
    ),
    "demo.keys": (
        "要生成真实图片，请把火山引擎的密钥写进 .env 并重新启动；"
        "两种服务配置一种即可：",
        "For real pictures, put Volcengine keys into .env and restart; one of its "
        "two services is enough:",
    ),
}
