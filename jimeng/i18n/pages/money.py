"""Messages of the pages about prices and costs."""

MONEY: dict[str, tuple[str, str]] = {
    "fact.cost": ("费用", "Cost"),
    # A user's costs.
    "costs.heading": ("费用", "Costs"),
    "costs.cost": ("费用", "Cost"),
    "costs.outputs": ("计费项", "Charged"),
    "costs.unknown": ("不确定", "Uncertain"),
    "costs.unpriced": ("没有单价", "Without a price"),
    "costs.total": (
        "近 {days} 天 {cost}，计费 {n} 项。",
        "{cost} in {days} days, for {n} charged items.",
    ),
    "costs.maybe": (
        "另有 {n} 项不确定是否计费。",
        "It is not certain whether {n} more were charged.",
    ),
    "costs.no_price": (
        "有 {n} 项已计费但没有单价，没有算进来。",
        "{n} that were charged have no known price, and are not included.",
    ),
    "costs.chart": (
        "近 {days} 天每天的费用，共 {cost}",
        "Cost per day over {days} days, {cost} in all",
    ),
    "costs.tells": ("{day}：{cost}，{n} 项", "{day}: {cost}, {n} charged"),
    "costs.zone": ("日期按 {zone} 划分。", "Days are counted in {zone}."),
    # All users' costs.
    "costs.today": ("今天", "Today"),
    "costs.month": ("本月", "This month"),
    "costs.undecided": ("待确定", "Undecided"),
    "costs.by_model": ("本月按模型", "This month by model"),
    "costs.by_user": ("本月按用户", "This month by user"),
    "costs.by_key": ("本月按密钥", "This month by API key"),
    "costs.key": ("密钥", "API key"),
    "costs.sort": ("排序", "Sort"),
    "costs.sort_micros": ("按费用", "By cost"),
    "costs.sort_outputs": ("按计费项", "By items charged"),
    "costs.pages": ("用户和密钥翻页", "Pages of users and keys"),
    "costs.next": ("下一页", "Next"),
    "costs.previous": ("上一页", "Previous"),
    "costs.csv": ("{month} 的 CSV", "CSV of {month}"),
    "costs.decide": ("是否计费待确定", "Charges to decide"),
    "costs.decide_text": (
        "服务商可能收了费。对照账单，确定每一项是否计费；决定只能做一次。",
        "The provider may have charged for these. Compare them with its bill, and say "
        "for each whether it was charged; each decision is final.",
    ),
    "costs.decide_one": ("确定…", "Decide…"),
    "costs.was_charged": ("已计费", "Charged"),
    "costs.not_charged": ("未计费", "Not charged"),
    "costs.decided": ("已记录。", "Recorded."),
    "costs.ended": ("结束时间", "Ended"),
    "costs.picture": ("结果", "Output"),
    "prices.heading": ("价格", "Prices"),
    "prices.text": (
        "每张图片、每秒视频或每百万 token 在服务商处的价格。"
        "设置新价格不会改变已经结算的费用。",
        "What the provider charges for a picture, or for a second or a million "
        "tokens of a video. A new price does not change settled costs.",
    ),
    "prices.model": ("模型", "Model"),
    "prices.account": ("账号", "Account"),
    "prices.all_accounts": ("所有账号", "All accounts"),
    "prices.price": ("单价", "Price"),
    "prices.unknown": ("未知", "Unknown"),
    "prices.since": ("生效时间", "Effective from"),
    "prices.always": ("一直", "Always"),
    "prices.future": ("尚未生效", "Not yet in effect"),
    "prices.superseded": ("以前的价格", "Superseded prices"),
    "prices.source": ("来源", "Source"),
    "prices.built_in": ("内置价格表", "Built-in list,"),
    "prices.remove": ("删除", "Remove"),
    "prices.remove_this": (
        "删除 {model} 尚未生效的价格",
        "Remove the upcoming price of {model}",
    ),
    "prices.new": ("设置价格", "Set a price"),
    "prices.new_text": (
        "旧价格保留在记录里。指定账号的价格优先于所有账号的价格；"
        "这里的价格优先于 MODELS_FILE 和内置价格表。",
        "Earlier prices stay on record. A price for one account takes precedence "
        "over the price for all accounts, and prices set here over MODELS_FILE and "
        "the built-in list.",
    ),
    "prices.yuan": (
        "价格（元）：图片每张，视频每秒或每百万 token",
        "Price in yuan: per picture; for videos per second or per million tokens",
    ),
    "prices.per.second": ("每秒", "per second"),
    "prices.per.million_tokens": ("每百万 token", "per million tokens"),
    "prices.others": (
        "其他价格，按分辨率和声音",
        "Other prices, by resolution and sound",
    ),
    "prices.others_text": (
        "只用于视频，用空格隔开，靠前的优先。sound 有声，silent 无声。",
        "For videos only, separated by spaces; the first that matches applies. "
        "“sound” is with sound, “silent” without.",
    ),
    "prices.day": ("生效日期", "Effective from"),
    "prices.day_text": (
        "按 {zone} 的日期，当天零点生效；留空则一分钟后生效。",
        "The start of a day in {zone}. Left empty: within a minute.",
    ),
    "prices.by_size": ("大图另行定价", "Separate price for larger pictures"),
    "prices.up_to": (
        "上面的价格适用到多少像素",
        "Largest size at the price above (pixels)",
    ),
    "prices.above": ("更大图片的价格（元）", "Price of larger pictures (yuan)"),
    "prices.add": ("保存价格", "Save price"),
    "prices.added": ("已保存新价格。", "The new price was saved."),
    "prices.removed": ("已删除尚未生效的价格。", "The upcoming price was removed."),
}
