"""
Messages about invalid fields of requests, ``invalid.<reason>``, and about refused
pictures, ``refused.<reason>``.
"""

FIELDS: dict[str, tuple[str, str]] = {
    "invalid.fields": ("请求参数有误：{wrong}", "Invalid: {wrong}"),
    "invalid.repeated": ("只能出现一次", "Must occur only once"),
    "invalid.required": ("必须填写", "Required"),
    "invalid.null": ("不能为 null", "Must not be null"),
    "invalid.unknown_field": ("没有这个字段", "No such field"),
    "invalid.dry_run": (
        "这里不能只估价，什么也没有创建；估价请用 /api/v1 的接口带 ?dry_run=1",
        "There are no estimates here, and nothing was created; for an estimate use "
        "the routes of /api/v1 with ?dry_run=1",
    ),
    "invalid.string": ("必须是文字", "Must be a string"),
    "invalid.integer": ("必须是整数", "Must be an integer"),
    "invalid.number": ("必须是数字", "Must be a number"),
    "invalid.boolean": ("必须是 true 或 false", "Must be true or false"),
    "invalid.object": ("必须是对象", "Must be an object"),
    "invalid.list": ("必须是字符串的列表", "Must be a list of strings"),
    "invalid.items": ("必须有 {min} 到 {max} 项", "Must have {min} to {max} items"),
    "invalid.metadata": (
        "最多 16 对文字：名称 1 到 40 个字符，值最多 500 个字符",
        "Up to 16 pairs of text: names of 1 to 40 characters, values of up to 500",
    ),
    "invalid.metadata_filter": (
        "写成 metadata.名称=值",
        "Write it as metadata.NAME=VALUE",
    ),
    "invalid.ids_or_status": (
        "要么只给 ids，要么同时给 status 和 user_id",
        "Give ids alone, or status together with user_id",
    ),
    "invalid.date": (
        "必须是 2000 年以后的日期，如 2026-01-31",
        "Must be a date from 2000 on, such as 2026-01-31",
    ),
    "invalid.yuan": (
        "写成以元为单位的金额，如 0.22，最多六位小数",
        "Must be an amount in yuan such as 0.22, with at most six decimals",
    ),
    "invalid.price_by_size": (
        "视频不按像素计价；用“其他价格”按分辨率设置",
        "Videos are not priced by pixels; use other prices, by resolution",
    ),
    "invalid.price_of_pictures": (
        "只有视频按分辨率和声音计价",
        "Only videos are priced by resolution and sound",
    ),
    "invalid.price_others": (
        "写成 1080p=51 或 720p+silent=8 的形式，用空格隔开；sound 有声，silent 无声",
        "Write 1080p=51 or 720p+silent=8, separated by spaces; sound or silent says "
        "which videos",
    ),
    "invalid.price_past": (
        "这一天已经开始；留空则立即生效",
        "That day has begun already; leave it empty for at once",
    ),
    "invalid.price_twice": (
        "从那时起已有一个价格；先删除它",
        "There is a price from then on already; remove that one first",
    ),
    "invalid.price_fixed": (
        "这个价格已生效，或一分钟内生效，不能删除；请设置新的价格",
        "This price is in force, or will be within a minute, and cannot be removed; "
        "set a new one",
    ),
    "invalid.from_after_to": ("不能晚于 to", "Must not be after to"),
    "invalid.too_many_days": (
        "from 到 to 最多 366 天",
        "Must be at most 366 days before to",
    ),
    "invalid.value": ("值无效", "Not a valid value"),
    "invalid.nothing": ("至少要写一个字段", "Give at least one field"),
    "invalid.unstorable": (
        "含有无法保存的字符（NUL 或半个代理对），请去掉",
        "Has a character that cannot be stored (NUL or half of a surrogate pair); "
        "remove it",
    ),
    "invalid.range": ("必须在 {min} 到 {max} 之间", "Must be {min} to {max}"),
    "invalid.tag": (
        "标签为 1 到 {max} 个字符",
        "A tag has 1 to {max} characters",
    ),
    "invalid.tags_many": (
        "一张图片最多 {max} 个标签",
        "A picture has at most {max} tags",
    ),
    "invalid.choice": ("必须是以下之一：{known}", "Must be one of: {known}"),
    "invalid.length": (
        "长度必须为 {min} 到 {max} 个字符",
        "Must be {min} to {max} characters long",
    ),
    "invalid.past": ("必须是将来的时间", "Must be in the future"),
    "invalid.moment": (
        "必须是 RFC 3339 格式的时间，例如 2030-01-31T08:00:00Z",
        "Must be an RFC 3339 time, for example 2030-01-31T08:00:00Z",
    ),
    "invalid.scope_beyond": (
        "超出了你自己或该用户的权限",
        "More than you, or that user, may do",
    ),
    "invalid.limited_scopes": (
        "限制了接口、模型、数量或用户的密钥不能有“账号”和“管理”权限",
        "A key limited to certain interfaces, models, amounts or users may not have "
        "account or admin",
    ),
    "invalid.user_prefix": (
        "与 act_for 权限一起写：最多 32 个字母、数字或 _ - . @ :，以冒号结尾，如 shop:",
        "Goes with the scope act_for: up to 32 letters, digits and _ - . @ :, ending "
        "in a colon, such as shop:",
    ),
    "invalid.prefix_taken": (
        "与用户 {user} 的密钥“{title}”的前缀 {prefix} 重叠，两家会看到彼此的客户；"
        "换一个前缀，或给该用户创建这个密钥",
        "Overlaps {prefix} of the key “{title}” of user {user}: the two would see each "
        "other's customers. Choose another prefix, or create the key for that user",
    ),
    "invalid.too_many_keys": (
        "最多 {max} 个密钥，请先撤销不用的",
        "At most {max} keys; revoke some first",
    ),
    "invalid.password_length": (
        "密码长度必须为 {min} 到 {max} 个字符",
        "The password must be {min} to {max} characters long",
    ),
    "invalid.password_is_name": (
        "密码不能只是邮箱、名字或产品名加几个字符",
        "The password must be more than the e-mail, the name or the product's name",
    ),
    "invalid.password_simple": (
        "密码太简单，请多用几种字符",
        "The password is too easy to guess; use more varied characters",
    ),
    "invalid.password_common": (
        "这个密码在泄露的密码名单里，很多人用过，请换一个",
        "This password is in known leaks, so attackers try it first; choose another",
    ),
    "invalid.code_wrong": (
        "验证码不对；请检查手机的时间，再输入新的验证码",
        "That code is wrong; check your phone's clock and enter a new one",
    ),
    "invalid.password_wrong": ("当前密码不对", "The current password is wrong"),
    "invalid.prompt_empty": ("请写下提示词", "Write a prompt first"),
    "invalid.prompt_length": (
        "提示词（连同风格）最多 {max} 个字符",
        "The prompt, style included, may have at most {max} characters",
    ),
    "invalid.user_id": (
        "只能用字母、数字和 _ - . @ :，1 到 64 个字符",
        "Use 1 to 64 letters, digits and _ - . @ :",
    ),
    "invalid.customer": (
        "不是这个密钥的客户：以 {prefix} 开头，只能用字母、数字和 _ - . @ :，最多 64 个"
        "字符；不写就是密钥主人的",
        "Not a customer of this key: begin with {prefix}, and use up to 64 letters, "
        "digits and _ - . @ :; without it, it is the key owner's",
    ),
    "invalid.two_customers": (
        "与 user 不同；只写一个",
        "Differs from user; give one of them",
    ),
    "invalid.email": ("不是有效的邮箱地址", "Not a valid e-mail address"),
    "invalid.model": (
        "没有这个模型；可用的有：{known}",
        "No such model; available: {known}",
    ),
    "invalid.provider": (
        "没有这个服务商；可用的有：{known}",
        "No such provider; available: {known}",
    ),
    "invalid.size": (
        "这个模型接受：宽x高（各 {min} 到 {max} 像素），或 {named} 之一",
        "This model takes WIDTHxHEIGHT (each {min} to {max} pixels), or one of {named}",
    ),
    "invalid.size_area": (
        "这个模型接受：宽x高（相乘为 {min} 到 {max} 像素，长边最多为短边的 "
        "{ratio} 倍），或 {named} 之一",
        "This model takes WIDTHxHEIGHT ({min} to {max} pixels when multiplied, the "
        "longer side at most {ratio} times the shorter), or one of {named}",
    ),
    "invalid.opaque_only": (
        "这里的模型画不出透明背景，请用 opaque 或 auto",
        "No model here draws a transparent background; use opaque or auto",
    ),
    "invalid.n": ("最多 {max} 张", "At most {max}"),
    "invalid.n_pending": (
        "最多 {max} 张：这是一个用户可以同时等待的图片数",
        "At most {max}: no user may have more pictures waiting",
    ),
    "invalid.seed_unsupported": (
        "这个模型不能指定种子",
        "This model does not take a seed",
    ),
    "invalid.negative_prompt": (
        "这个模型不支持反向提示词",
        "This model does not support negative prompts",
    ),
    "invalid.no_last_frame": (
        "这是视频，而且没有保存尾帧，不能当图片用：请给一张图片，"
        "或重新生成并要求返回尾帧",
        "This is a video whose last frame is not stored, so it cannot be used as a "
        "picture: give a picture, or make the video again and ask for its last frame",
    ),
    "invalid.image_unknown": (
        "没有这张图片，或不是你的：请给上传的图片的 id、自己的图片的 id 或链接、"
        "https 地址，或 data: URL",
        "There is no such picture, or it is not yours: give the id of an upload, the "
        "id or link of a picture of your own, an https address, or a data: URL",
    ),
    "invalid.image_address": (
        "不是可以取图片的地址：只接受 https，不带用户名，最多 2000 个字符",
        "Not an address that pictures are fetched from: https only, without a user "
        "name, at most 2,000 characters",
    ),
    "invalid.image_private": (
        "不从内网地址取图片；请先上传",
        "Pictures are not fetched from private addresses; upload it first",
    ),
    "invalid.data_url": (
        "data: URL 必须是 base64，如 data:image/png;base64,…",
        "A data: URL must be in base64, such as data:image/png;base64,…",
    ),
    "invalid.mask_opaque": (
        "蒙版没有透明的地方：透明处重绘，其余保留",
        "The mask has no transparent area; transparent areas are repainted",
    ),
    "refused.large": (
        "图片太大：最多 16 MiB",
        "The picture is too large: at most 16 MiB",
    ),
    "refused.opaque": ("没有透明的地方", "It has no transparent area"),
    "invalid.file": ("必须是文件", "Must be a file"),
    "refused.broken": (
        "图片已损坏，无法解码",
        "The picture is corrupt and cannot be decoded",
    ),
    "refused.truncated": (
        "图片不完整，请重新上传",
        "The picture is incomplete; upload it again",
    ),
    "refused.pixels": (
        "像素太多：最多四千万（JPEG 一亿），请缩小",
        "Too many pixels: at most 40 million (a JPEG 100 million); make it smaller",
    ),
    "refused.small": (
        "图片太小：每边至少 16 像素",
        "The picture is too small: each side needs 16 pixels or more",
    ),
    "refused.animated": (
        "不接受动图；请给一张静止的图片",
        "Animated pictures are not supported; use a still one",
    ),
    "refused.slow": (
        "这张图片解码太费时间；请另存一次再试",
        "The picture takes too long to decode; save it again and retry",
    ),
    "refused.gif": (
        "不接受 GIF（包括动图）；请转成 JPEG、PNG 或 WebP",
        "GIF, animated or not, is not supported; convert it to JPEG, PNG or WebP",
    ),
    "refused.heic": (
        "不接受 HEIC；请转成 JPEG（iPhone：设置 → 相机 → 格式 → 兼容性最佳）",
        "HEIC is not supported; convert it to JPEG (iPhone: Settings → Camera → "
        "Formats → Most Compatible)",
    ),
    "refused.avif": (
        "不接受 AVIF；请转成 JPEG、PNG 或 WebP",
        "AVIF is not supported; convert it to JPEG, PNG or WebP",
    ),
    "refused.svg": (
        "不接受 SVG；请导出成 PNG",
        "SVG is not supported; export it as PNG",
    ),
    "refused.tiff": (
        "不接受 TIFF；请转成 JPEG、PNG 或 WebP",
        "TIFF is not supported; convert it to JPEG, PNG or WebP",
    ),
    "refused.bmp": (
        "不接受 BMP；请转成 JPEG、PNG 或 WebP",
        "BMP is not supported; convert it to JPEG, PNG or WebP",
    ),
    "refused.pdf": (
        "这是 PDF，不是图片；请导出成 JPEG 或 PNG",
        "This is a PDF, not a picture; export it as JPEG or PNG",
    ),
    "refused.video": ("这是视频，不是图片", "This is a video, not a picture"),
    "refused.unknown": (
        "不是图片，或格式不支持；请用 JPEG、PNG 或 WebP",
        "Not a picture, or not a supported format; use JPEG, PNG or WebP",
    ),
    "invalid.twice": (
        "不能同时写在 input 里和外面",
        "Must not be both inside and outside input",
    ),
    "invalid.cursor": (
        "不是本服务器给出的 cursor，请用上一页的 next_cursor",
        "Not a cursor of this server; use the previous page's next_cursor",
    ),
    "invalid.status": (
        "没有这个状态；可用的有：{known}",
        "No such status; available: {known}",
    ),
    "invalid.offset": (
        "最多 {max}；更早的任务请用 {url} 的 cursor 翻页",
        "At most {max}; for older tasks use the cursor of {url}",
    ),
}
