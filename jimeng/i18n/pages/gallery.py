"""Messages of the gallery and its trash."""

MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
WEEKDAYS = (
    *(("周一", "Monday"), ("周二", "Tuesday"), ("周三", "Wednesday")),
    *(
        ("周四", "Thursday"),
        ("周五", "Friday"),
        ("周六", "Saturday"),
        ("周日", "Sunday"),
    ),
)

GALLERY: dict[str, tuple[str, str]] = {
    **{f"gallery.month.{n}": (f"{n}月", name) for n, name in enumerate(MONTHS, 1)},
    **{f"gallery.weekday.{n}": names for n, names in enumerate(WEEKDAYS, 1)},
    "gallery.title": ("图库", "Gallery"),
    "gallery.today": ("今天", "Today"),
    "gallery.yesterday": ("昨天", "Yesterday"),
    "gallery.day": ("{month}{day}日 {weekday}", "{weekday} {day} {month}"),
    "gallery.day_of_year": ("{year}年{month}{day}日", "{day} {month} {year}"),
    "gallery.whole_month": ("{year}年{month}", "{month} {year}"),
    "gallery.results": ("图片", "Pictures"),
    "gallery.hits": ("{n} 张", "{n} pictures"),
    "gallery.hits_one": ("{n} 张", "{n} picture"),
    "gallery.hits_more": ("{n} 多张", "more than {n} pictures"),
    "gallery.size": ("缩略图大小", "Thumbnail size"),
    "gallery.search": ("搜索提示词和标签", "Search prompts and tags"),
    "gallery.model": ("模型", "Model"),
    "gallery.any_model": ("全部模型", "Any model"),
    "gallery.ratio": ("比例", "Aspect ratio"),
    "gallery.any_ratio": ("全部比例", "Any aspect ratio"),
    "gallery.ratio_other": ("其他", "Other"),
    "gallery.from": ("从", "From"),
    "gallery.to": ("到", "To"),
    "gallery.favourites": ("收藏", "Favourites"),
    "tags.tag": ("标签", "Tag"),
    "tags.any": ("全部标签", "Any tag"),
    "tags.pick": ("标签", "Tag"),
    "tags.title_one": ("这张图片的标签", "Tags of this picture"),
    "tags.title_n": ("{n} 张图片的标签", "Tags of {n} pictures"),
    "tags.new": ("添加标签", "Add a tag"),
    "tags.add": ("添加", "Add"),
    "tags.some": ("其中 {n} 张", "{n} of them"),
    "tags.remove": ("移除", "Remove"),
    "tags.remove_one": ("移除标签：{tag}", "Remove the tag: {tag}"),
    "news.tagged": ("已给 {n} 张图片加上标签", "Tag added to {n} pictures"),
    "news.untagged": ("已从 {n} 张图片移除标签", "Tag removed from {n} pictures"),
    "gallery.apply": ("筛选", "Filter"),
    "gallery.clear": ("清除筛选", "Clear filters"),
    "gallery.more": ("更早的图片", "Older pictures"),
    "gallery.newest": ("回到最新", "Back to the newest"),
    "gallery.menu": ("更多操作", "More"),
    "gallery.trash": ("回收站", "Trash"),
    "gallery.tidy": ("只留收藏…", "Keep only favourites…"),
    "gallery.export": ("导出全部", "Export everything"),
    "gallery.none": ("还没有图片", "No pictures yet"),
    "gallery.none_words": (
        "生成的图片都会保存在这里，不会过期。",
        "Everything you create stays here and never expires.",
    ),
    "gallery.kept_days": (
        "图片在这里保留 {n} 天，收藏的、分享中的和放进相册的一直留着。",
        "Pictures are kept here for {n} days; favourites, and what is shared or in a "
        "collection, stay.",
    ),
    "gallery.kept_room": (
        "存不下时最早的图片会删掉，收藏的、分享中的和放进相册的一直留着。",
        "When there is no more room here, the oldest pictures go; favourites, and what "
        "is shared or in a collection, stay.",
    ),
    "gallery.none_go": ("生成第一张图片", "Create your first picture"),
    "gallery.found_none": ("没有符合条件的图片", "No matching pictures"),
    "gallery.found_none_words": (
        "换几个字，或放宽筛选条件试试。",
        "Try other words, or fewer filters.",
    ),
    "gallery.none_left": ("这里没有图片了", "No pictures left here"),
    "gallery.all": ("查看全部图片", "See all pictures"),
    "gallery.no_more": ("没有更早的图片了", "Nothing older"),
    "gallery.select": ("选择", "Select"),
    "gallery.select_this": ("选中：{prompt}", "Select: {prompt}"),
    "gallery.select_all": ("全选本页", "Select all shown"),
    "gallery.selected": ("已选中的图片", "Selected pictures"),
    "gallery.selected_n": ("已选 {n} 张", "{n} selected"),
    "gallery.star": ("收藏", "Favourite"),
    "gallery.unstar": ("取消收藏", "Remove from favourites"),
    "gallery.zip": ("下载 zip", "Download zip"),
    "gallery.delete": ("删除", "Delete"),
    "gallery.cancel": ("取消选择", "Clear selection"),
    "gallery.download": ("下载：{prompt}", "Download: {prompt}"),
    "keys.range": ("选中从上一张到这张", "Select everything up to this one"),
    "keys.space": ("空格", "Space"),
    "keys.delete": ("删除选中的图片", "Delete the selection"),
    "news.trashed": (
        "已删除 {n} 张图片，7 天内可以恢复",
        "Pictures deleted: {n}. You can restore them for 7 days",
    ),
    "news.restored": ("已恢复 {n} 张图片", "Pictures restored: {n}"),
    "news.purged": ("已彻底删除 {n} 张图片", "Pictures deleted for good: {n}"),
    "news.emptied": ("回收站已清空", "Trash emptied"),
    "news.starred": ("已收藏 {n} 张图片", "Added to favourites: {n}"),
    "news.unstarred": ("已取消收藏 {n} 张图片", "Removed from favourites: {n}"),
    "trash.title": ("回收站", "Trash"),
    "trash.words": (
        "这里的图片和任务 7 天后自动彻底删除；在此之前可以恢复，链接也随之恢复。",
        "Items here are deleted for good after 7 days. Until then you can restore "
        "them, together with their links.",
    ),
    "trash.back": ("回到图库", "Back to the gallery"),
    "trash.none": ("回收站是空的", "The trash is empty"),
    "trash.none_words": (
        "删除的图片会在这里保留 7 天。",
        "What you delete stays here for 7 days.",
    ),
    "trash.restore": ("恢复", "Restore"),
    "trash.purge": ("彻底删除", "Delete for good"),
    "trash.empty": ("清空回收站", "Empty the trash"),
    "trash.empty_words": (
        "回收站里的全部内容会立即彻底删除，不能再恢复。",
        "Everything in the trash is deleted now and cannot be restored.",
    ),
    "trash.empty_sure": ("确认清空", "Empty it"),
    "trash.purge_words": (
        "选中的图片会立即彻底删除，不能再恢复。",
        "The selected pictures are deleted now and cannot be restored.",
    ),
    "gallery.trash.empty": (
        "正在清空回收站：{done} / {total} 张",
        "Emptying the trash: {done} of {total} pictures",
    ),
    "gallery.trash.others": (
        "正在移到回收站：{done} / {total} 张",
        "Moving to the trash: {done} of {total} pictures",
    ),
    "gallery.trash.restore": (
        "正在恢复：{done} / {total} 张",
        "Restoring: {done} of {total} pictures",
    ),
    "trash.tasks": ("没有图片的任务", "Tasks without pictures"),
    "trash.deleted_at": ("删除于", "Deleted"),
    "tidy.title": ("只留收藏", "Keep only favourites"),
    "tidy.words": (
        "图库里有 {others} 张图片不是收藏，它们都会移到回收站，7 天内可以恢复。"
        "{favourites} 张收藏会留下。",
        "Pictures that are not favourites: {others}. All of them go to the trash, "
        "where you can restore them for 7 days. Favourites that stay: {favourites}.",
    ),
    "tidy.nothing": (
        "图库里只有收藏，没有要删除的图片。",
        "The gallery holds only favourites, so there is nothing to delete.",
    ),
    "tidy.word": ("删除", "delete"),
    "tidy.type": ("输入“{word}”确认", 'Type "{word}" to confirm'),
    "tidy.go": ("删除这 {n} 张", "Delete these {n}"),
    "tidy.wrong_word": ("请输入“{word}”", 'Type "{word}"'),
    "tidy.changed": (
        "图片的数量刚刚变了，请看一看新的数字再确认",
        "The number of pictures has just changed; check it, then confirm again",
    ),
    "archive.name": ("即梦图片-{n}张-{day}", "jimeng-{n}-pictures-{day}"),
    "archive.all": ("即梦全部图片-{day}", "jimeng-everything-{day}"),
    "error.nothing_selected": (
        "还没有选中图片，请先选几张",
        "No pictures selected; select some first",
    ),
    "error.selection_too_large": (
        "一次最多选 {limit} 张图片，所以什么都没有做；请分几次来",
        "At most {limit} pictures at a time, so nothing was done to any; select fewer, "
        "and the others afterwards",
    ),
    "error.too_many_downloads": (
        "正在下载的压缩包已有 {limit} 个，等其中一个下载完再试",
        "{limit} archives are being downloaded already; try again when one is done",
    ),
    "error.archive_too_large": (
        "一次最多打包 {limit} 张图片，请分几次下载，或导出全部",
        "An archive holds at most {limit} pictures; download them in parts, or export "
        "everything",
    ),
}
