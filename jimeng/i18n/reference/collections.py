"""What the fields of collections and shares mean, by ``Schema.field`` or ``field``."""

COLLECTION_FIELDS: dict[str, tuple[str, str]] = {
    "NewCollection.name": (
        "名称，去掉首尾空白后 1 到 60 个字符",
        "The name: 1 to 60 characters after trimming",
    ),
    "CollectionChanges.name": (
        "名称，去掉首尾空白后 1 到 60 个字符",
        "The name: 1 to 60 characters after trimming",
    ),
    "CollectionRecord.pictures": (
        "回收站之外的图片数，数到 1000 为止",
        "How many pictures outside the trash, counted up to 1,000",
    ),
    "more_pictures": ("是否比这更多", "Whether there are more than that"),
    "cover": (
        "最新的一张；没有图片时为 null",
        "The newest picture; null where there is none",
    ),
    "add": ("要放入的图片的 id", "Ids of the pictures to put in"),
    "remove": ("要移出的图片的 id", "Ids of the pictures to take out"),
    "added": ("新放入了几张", "How many are in it that were not"),
    "removed": ("移出了几张", "How many are no longer in it"),
    "left_out": (
        "几张没有放入，因为已经属于 20 个相册",
        "How many were not put in, since they are in 20 collections already",
    ),
    "ShareRecord.id": (
        "所分享的相册或图片的 id",
        "The id of the collection or of the picture that is shared",
    ),
    "kind": ("分享的是相册还是图片", "Whether a collection or a picture is shared"),
    "ShareRecord.url": ("页面的地址，给谁谁能看", "The page: whoever has it may look"),
    "ShareRecord.title": (
        "页面的标题；没有写则是相册的名称，图片则为空",
        "What stands above the page; if nobody has said, the collection's name, or "
        "nothing",
    ),
    "SharePage.title": (
        "页面的标题，最多 100 个字符；空则用相册的名称",
        "What stands above the page, at most 100 characters; if empty, the "
        "collection's name",
    ),
    "prompts": (
        "页面上是否显示提示词",
        "Whether the page tells what the pictures were asked for with",
    ),
    "SharePage.expires_at": (
        "到什么时候为止（RFC 3339）；null 为一直有效",
        "Until when it is there (RFC 3339); null: until it is ended",
    ),
    "ShareRecord.expires_at": (
        "到什么时候为止；null 为一直有效",
        "Until when it is there; null: until it is ended",
    ),
    "ended": ("是否已经到期", "Whether its time is over"),
}
