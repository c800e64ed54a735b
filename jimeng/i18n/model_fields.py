"""Messages about fields that a model does not accept."""

MODEL_FIELDS: dict[str, tuple[str, str]] = {
    "invalid.prompt_unsupported": (
        "这个模型不用提示词，请留空",
        "This model takes no prompt; leave it out",
    ),
    "invalid.images_unsupported": (
        "这个模型不能用图片；可以用图片的有：{known}",
        "This model takes no pictures; these do: {known}",
    ),
    "invalid.images_no_address": (
        "这个模型的服务商要自己来取图片，而本服务器没有设置外网能访问的地址"
        "（PUBLIC_URL），所以不能用图片；可以用图片的有：{known}",
        "The provider of this model fetches pictures itself, and this server has no "
        "address that can be reached from outside (PUBLIC_URL), so it can take none; "
        "these can: {known}",
    ),
    "invalid.images_no_secret": (
        "这个模型的服务商要自己来取图片，而本服务器没有设置签链接用的 SECRET_KEY，"
        "所以不能用图片；可以用图片的有：{known}",
        "The provider of this model fetches pictures itself, and this server has no "
        "SECRET_KEY to sign links for it with, so it can take none; these can: {known}",
    ),
    "lacks.no_address": (
        "服务商要自己来取图片，而本服务器没有设置外网能访问的地址（PUBLIC_URL）",
        "The provider fetches pictures itself, and this server has no address that can "
        "be reached from outside (PUBLIC_URL)",
    ),
    "lacks.no_secret": (
        "服务商要自己来取图片，而本服务器没有设置签链接用的 SECRET_KEY",
        "The provider fetches pictures itself, and this server has no SECRET_KEY to "
        "sign links with",
    ),
    "invalid.images_many": (
        "这个模型最多用 {max} 张图片",
        "Too many pictures: this model takes {max}",
    ),
    "invalid.no_metadata": (
        "文件里没有提示词：要从这里下载的图片原文件",
        "The file does not say its prompt: it must be one downloaded here, unchanged",
    ),
    "invalid.images_few": (
        "这个模型至少要 {min} 张图片",
        "This model needs a reference picture (at least {min})",
    ),
    "invalid.image_ratio": (
        "太狭长：这个模型要求长边最多为短边的 {ratio} 倍；图片不会被裁剪，请先自行裁剪",
        "Too long and narrow: this model takes pictures whose longer side is at most "
        "{ratio} times the shorter. Pictures are never cropped here; crop it first",
    ),
    "invalid.image_small": (
        "太小：这个模型要求每边至少 {min} 像素",
        "Too small: this model needs at least {min} pixels a side",
    ),
    "invalid.image_large": (
        "太大：这个模型要求每边最多 {max} 像素，而缩小会丢掉要放大的细节",
        "Too large: this model takes at most {max} pixels a side, and making it "
        "smaller would lose the detail that is to be enlarged",
    ),
    "invalid.mask_unsupported": (
        "这个模型不能用蒙版；可以用蒙版的有：{known}",
        "This model takes no mask; these do: {known}",
    ),
    "invalid.mask_missing": (
        "这个模型需要蒙版：透明处重绘，其余保留",
        "This model needs a mask: transparent areas are repainted",
    ),
    "invalid.mask_size": (
        "蒙版要和第一张图片一样大：{wanted}",
        "The mask must be as large as the first picture: {wanted}",
    ),
    "invalid.strength_unsupported": (
        "这个模型不能设置强度；可以设置的有：{known}",
        "This model takes no strength; these do: {known}",
    ),
    "invalid.strength_alone": (
        "强度表示可以偏离参考图多远，没有参考图就没有意义",
        "Strength says how far the result may depart from the reference pictures; "
        "without any it has no meaning",
    ),
    "invalid.expand_unsupported": (
        "这个模型不能扩图；可以扩图的有：{known}",
        "This model does not expand pictures; these do: {known}",
    ),
    "invalid.expand_range": (
        "请说明 top、right、bottom、left 各扩多少：是那一边长度的 0 到 {max} 倍，"
        "至少一边大于 0",
        "Say by how much top, right, bottom and left grow: 0 to {max} of that side, at "
        "least one of them above 0",
    ),
    "invalid.taken_by_none": ("这里没有模型支持这一项", "No model here supports this"),
    "invalid.size_follows": (
        "结果的大小由图片决定，请不要指定",
        "The size follows from the picture; leave it out",
    ),
    "invalid.size_named": (
        "请选择：{named}",
        "Choose one of {named}",
    ),
    "invalid.size_reached": (
        "图片的长边已有 {max} 像素，无需放大；请选更大的尺寸",
        "The longer side already has {max} pixels, so there is nothing to upscale; "
        "choose a larger size",
    ),
    "invalid.model_of_pictures": (
        "这个模型生成图片；生成视频的有：{known}",
        "This model makes pictures; these make videos: {known}",
    ),
    "invalid.model_of_videos": (
        "这个模型生成视频；生成图片的有：{known}",
        "This model makes videos; these make pictures: {known}",
    ),
    "invalid.video_flag": (
        "这个模型会执行提示词里的参数，如 {flag}，它可能改变价格；请改用同名字段",
        "This model obeys flags in the prompt, such as {flag}, which may change the "
        "price; use the fields instead",
    ),
    "invalid.video_duration": (
        "这个模型的时长（秒）可以是：{known}",
        "The duration of this model, in seconds, can be: {known}",
    ),
    "invalid.video_ratio_follows": (
        "这个模型按首帧的比例生成，请不要指定比例",
        "This model takes the ratio of the first frame; leave the ratio out",
    ),
    "invalid.video_roles": (
        "每张图片要说明用途：首帧、尾帧各至多一张，其余是参考图",
        "Each picture needs a role: at most one first and one last frame, or a "
        "reference",
    ),
    "invalid.video_references_alone": (
        "参考图不能和首帧、尾帧一起用",
        "Reference pictures cannot be combined with a first or last frame",
    ),
    "invalid.video_first_frame_missing": (
        "有尾帧时还需要首帧",
        "A last frame needs a first frame, too",
    ),
    "invalid.video_frame_missing": (
        "这个模型需要首帧图片",
        "This model needs a first frame",
    ),
    "invalid.video_frames_differ": (
        "首帧和尾帧的比例必须相同",
        "First and last frame must have the same aspect ratio",
    ),
    "invalid.video_strength_alone": (
        "请同时选择运镜",
        "Choose a camera movement, too",
    ),
    "invalid.video_camera_frame": (
        "运镜需要一张首帧图片，不能有其他图片",
        "A camera movement needs a first frame and no other picture",
    ),
    "invalid.video_references": (
        "这个模型不能用参考图；可以用的有：{known}",
        "This model takes no reference pictures; these do: {known}",
    ),
    "invalid.video_first_frame": (
        "这个模型不能用首帧；可以用的有：{known}",
        "This model takes no first frame; these do: {known}",
    ),
    "invalid.video_last_frame": (
        "这个模型不能用尾帧；可以用的有：{known}",
        "This model takes no last frame; these do: {known}",
    ),
    "invalid.video_audio": (
        "这个模型没有声音；有声音的有：{known}",
        "This model makes no sound; these do: {known}",
    ),
    "invalid.video_camera": (
        "这个模型不能选择运镜；可以选的有：{known}",
        "This model has no camera movements; these have: {known}",
    ),
    "invalid.video_camera_fixed": (
        "这个模型不能固定镜头；可以固定的有：{known}",
        "This model cannot hold the camera still; these can: {known}",
    ),
    "invalid.video_return_last_frame": (
        "这个模型不能返回尾帧图片；可以返回的有：{known}",
        "This model cannot return the last frame; these can: {known}",
    ),
}
