"""
The models of Volcengine Visual.

Source: the page of each model under https://www.volcengine.com/docs/85621; for editing
1747301 (3.0), 1976207 (inpainting), 2375477 (expanding), 2164806 (upscaling). These
pages also recommend the sizes. ``standard`` is the provider's default size, ``hd`` the
largest one recommended for a ratio or, without a recommendation, the largest within
the limits.
"""

from functools import partial
from types import MappingProxyType

from jimeng.providers.models.model import DEFAULT_MODEL, Model, Takes, keywords, sizes
from jimeng.providers.models.visual_videos import VIDEOS

# The documentation says 4.7 MB, but not whether before or after base64 encoding.
takes_inputs = partial(Takes, sides=(32, 4096), max_ratio=3, max_bytes=4_700_000)
visual_edit = partial(Model, provider="volcengine_jimeng", slow=60.0)

EDITING = (
    visual_edit(
        id="jimeng-i2i-3.0",
        req_key="jimeng_i2i_v30",
        aliases=("doubao-seededit-3.0-i2i", "seededit-3.0"),
        task="image-to-image",
        takes=takes_inputs(strength=(0.0, 1.0)),
        sides=(512, 2016),
        # The model rounds to multiples of 16; below 600 pixels the output may be black.
        sizes=sizes("1328x1328 1472x1104 1584x1056 1664x944 2016x864"),
        hd_sizes=sizes("2016x2016 2016x1512 2016x1344 2016x1136 2016x864"),
        keywords=keywords(k1="1328x1328"),
    ),
    visual_edit(
        id="jimeng-inpaint",
        req_key="jimeng_image2image_dream_inpaint",
        aliases=("jimeng-erase",),
        task="inpainting",
        # Without a prompt it erases the masked area.
        takes=takes_inputs(mask=True, prompt="optional"),
        sizes={},
        hd_sizes={},
    ),
    visual_edit(
        id="jimeng-outpaint",
        req_key="jimeng_img2img_seed3_painting_edit",
        aliases=("jimeng-expand",),
        task="outpainting",
        # The maximum per edge is undocumented; a related service says 0.4.
        # Expanded at all edges, a larger picture than this would exceed our limits for
        # download and decoding, and would be paid for.
        takes=takes_inputs(sides=(32, 2800), expand=0.4, prompt="optional"),
        sizes={},
        hd_sizes={},
    ),
    visual_edit(
        id="jimeng-upscale",
        req_key="jimeng_i2i_seed3_tilesr_cvtob",
        aliases=("jimeng-super-resolution",),
        task="upscaling",
        takes=takes_inputs(strength=(0, 100), prompt="none", exact=True),
        sizes={},
        hd_sizes={},
        # The service also offers 8K, but that exceeds our decoding limit in pixels, and
        # few connections can download it in time.
        keywords=keywords(k4="4096x4096"),
        max_images=1,
        takes_seed=False,
        typical=20.0,
        slow=120.0,
    ),
)


# The service's own default is 1328x1328, a little over "1K".
JIMENG_1K = sizes("1328x1328 1472x1104 1584x1056 1664x936 2016x864")
JIMENG_2K = sizes("2048x2048 2304x1728 2496x1664 2560x1440 3024x1296")

SQUARE_4MP = (512 * 512, 2048 * 2048)  # pixels
SQUARE_16MP = (1024 * 1024, 4096 * 4096)

visual = partial(Model, provider="volcengine_jimeng")
# No page says that 4.0 and 4.6 accept base64; some clients send it, with what success
# is undocumented.
references = partial(
    Takes, least=0, sides=(15, 4096), max_ratio=3, max_bytes=15_000_000, travels="link"
)
# On Visual one call generates one picture or a group; without a seed each differs.
visual_4 = partial(
    visual,
    sizes=JIMENG_2K,
    keywords=keywords(k1="1024x1024", k2="2048x2048", k4="4096x4096"),
    area=SQUARE_16MP,
    max_ratio=3,  # the request could widen it; ours do not
    takes_seed=False,
    typical=10.0,
    slow=60.0,
)

MODELS = (
    visual(
        id=DEFAULT_MODEL,
        req_key="jimeng_t2i_v30",
        aliases=("seedream-3.0", "jimeng-3.0", "doubao-seedream-3-0-t2i-250415"),
        sides=(512, 2048),
        sizes=JIMENG_1K,
        hd_sizes=sizes("2048x2048 2048x1536 2046x1364 2048x1152 2044x876"),
        keywords=keywords(k1="1328x1328", k2="2048x2048"),
        rewrites_prompt=True,
    ),
    visual(
        id="jimeng-3.1",
        req_key="jimeng_t2i_v31",
        aliases=("seedream-3.1",),
        area=SQUARE_4MP,
        max_ratio=3,
        sizes=JIMENG_1K,
        hd_sizes=JIMENG_2K,
        keywords=keywords(k1="1328x1328", k2="2048x2048"),
        rewrites_prompt=True,
    ),
    visual_4(
        id="doubao-seedream-4.0",
        req_key="jimeng_t2i_v40",
        aliases=("seedream-4.0", "jimeng-4.0"),
        hd_sizes=sizes("4096x4096 4694x3520 4992x3328 5404x3040 6198x2656"),
        takes=references(most=10, strength=(0.0, 1.0)),
    ),
    visual_4(
        id="jimeng-4.6",
        req_key="jimeng_seedream46_cvtob",
        aliases=("seedream-4.6",),
        hd_sizes=sizes("4096x4096 4693x3520 4992x3328 5404x3040 6197x2656"),
        takes=references(most=14, strength=(1, 100)),
    ),
    visual(
        id="jimeng-2.1",
        req_key="jimeng_high_aes_general_v21_L",
        sides=(256, 768),
        # At the width of the others, 21:9 would be below the minimum height.
        sizes=sizes("512x512 512x384 512x341 512x288 672x288"),
        hd_sizes=sizes("768x768 768x576 768x512 768x432 756x324"),
        rewrites_prompt=True,
        # The output has twice the requested width and height.
        extra=MappingProxyType({"use_sr": True}),
        is_synchronous=True,
        answer_within=120.0,
        typical=10.0,
    ),
    *EDITING,
    *VIDEOS,
)
