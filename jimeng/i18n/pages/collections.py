"""The words of collections and of what is shared."""

COLLECTIONS: dict[str, tuple[str, str]] = {
    "shared.picture": ("一张图片", "A picture"),
    "shared.about": ("分享的图片", "Shared pictures"),
    "shared.none": ("这里现在没有图片", "There are no pictures here now"),
}
