"""What fields mean to clients of OpenAI's images API, where they differ from ours."""

_UNUSED = ("接受，但没有作用", "Accepted, and without effect")
OPENAI_FIELDS: dict[str, tuple[str, str]] = {
    "ImageRequest.model": (
        "模型的名称，见 `/v1/models`；客户端内置的 `gpt-image-*`、`chatgpt-image-*`、"
        "`dall-e-*` 指默认模型",
        "A model's name, see `/v1/models`; the names built into clients, "
        "`gpt-image-*`, `chatgpt-image-*` and `dall-e-*`, mean the default model",
    ),
    "ImageRequest.size": (
        "auto、宽x高、比例，或模型有名称的尺寸；太小的按比例放大到模型的下限",
        "auto, WIDTHxHEIGHT, a ratio, or what the model names; what is too small is "
        "enlarged in its ratio to the least that the model draws",
    ),
    "aspect_ratio": (
        "size 没有给出宽高时的比例；aspectRatio 和 ratio 也可以",
        "The ratio where size gives no width and height; also as aspectRatio or ratio",
    ),
    "ImageRequest.quality": (
        "size 没有给出宽高时画多大：low 1K，medium 2K，high 4K，max 和 hd 最大",
        "How large, where size gives no width and height: low 1K, medium 2K, high 4K, "
        "max and hd the largest",
    ),
    "ImageRequest.style": (
        "除 vivid 和 natural 之外，都加在提示词后面",
        "Any but vivid and natural is added to the prompt",
    ),
    "background": ("背景；没有透明的", "The background, which is never transparent"),
    "response_format": (
        "url 或 b64_json；不写时 gpt-image* 和 chatgpt-image* 是 b64_json，其余是 url",
        "url or b64_json; by default b64_json for gpt-image* and chatgpt-image*, url "
        "for all others",
    ),
    "output_format": (
        "图片的格式，只用于 b64_json",
        "The format of pictures, for b64_json only",
    ),
    "output_compression": (
        "jpeg 和 webp 的质量，0 到 100",
        "The quality of jpeg and webp, 0 to 100",
    ),
    "stream": (
        "true：应答是事件流，每张图一个事件",
        "true: the answer is a stream of events, one for each picture",
    ),
    "partial_images": (
        "接受，但没有未画完的图片",
        "Accepted; there are no partial pictures",
    ),
    "input_fidelity": _UNUSED,
    "moderation": _UNUSED,
    "user": _UNUSED,
    "image": (
        "要用的图片，可以重复；`image[]` 和 `image[0]` 意思相同",
        "The pictures that go in, repeated for several; `image[]` and `image[0]` mean "
        "the same",
    ),
    "ImageRequest.mask": (
        "要改的部分：PNG，透明处重画，与第一张图同样大小",
        "The part to change: a PNG, repainted where it is transparent, as large as the "
        "first picture",
    ),
    "b64_json": ("图片本身，base64", "The picture itself, as base64"),
    "OpenAIImage.url": (
        "图片的链接，永不过期，不需要密钥",
        "A link to the picture; it does not expire and needs no key",
    ),
    "revised_prompt": ("提示词，没有改写", "The prompt; nothing rewrites it"),
    "created": ("时间，自 1970 年起的秒数", "The time, in seconds since 1970"),
    "ImagesResponse.size": ("图片实际的尺寸", "The size that the picture has"),
    "ImagesResponse.failed": (
        "有几张没有画出来；全都画出来时没有",
        "How many did not come; left out if all did",
    ),
    "ImagesResponse.data": ("图片", "The pictures"),
    "object": ("这是什么", "What this is"),
    "owned_by": ("提供它的服务", "Who offers it"),
    "jimeng": ("本服务器对它的说明", "What this server says of it"),
    "OpenAIModelTraits.model": ("它指的模型", "The model that it means"),
    "OpenAIModelTraits.sizes": (
        "有名称的尺寸和比例",
        "The sizes and ratios that it names",
    ),
    "OpenAIModelList.data": ("各个模型", "The models"),
    "OpenAIModel.id": ("名称，写在 model 里", "Its name, for model"),
    "OpenAIError.error": ("哪里不对", "What is wrong"),
    "OpenAIErrorDetails.type": ("错误的种类", "The kind of error"),
    "OpenAIErrorDetails.param": (
        "不对的字段；null 表示不是某个字段的问题",
        "The field that is wrong; null if it is none",
    ),
    "OpenAIErrorDetails.code": ("错误的代码，供程序判断", "The code, for programs"),
    "OpenAIErrorDetails.task_id": (
        "已经创建的任务；没有时什么都没有创建",
        "The task that was created; without it nothing was",
    ),
    "OpenAIErrorDetails.charged": (
        "任务画的是否已计费",
        "Whether what the task drew was paid for",
    ),
    "result_url": ("任务的结果在哪里", "Where the task's result is"),
}
