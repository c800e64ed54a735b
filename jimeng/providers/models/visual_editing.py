"""
The models of Volcengine Visual that work on a picture.

Source: https://www.volcengine.com/docs/85621: 1747301 (3.0), 1976207 (repainting),
2375477 (expanding), 2164806 (enlarging).
"""

from functools import partial

from jimeng.providers.models.model import Model
from jimeng.providers.models.sizes import keywords, sizes
from jimeng.providers.models.takes import Takes

# The pages write 4.7 MB; whether before or after base64 they do not say.
given = partial(Takes, sides=(32, 4096), max_ratio=3, max_bytes=4_700_000)
visual = partial(Model, provider="volcengine_jimeng", slow=60.0)

MODELS = (
    visual(
        id="jimeng-i2i-3.0",
        req_key="jimeng_i2i_v30",
        aliases=("doubao-seededit-3.0-i2i", "seededit-3.0"),
        task="image-to-image",
        takes=given(strength=(0.0, 1.0)),
        sides=(512, 2016),
        # It rounds to multiples of 16; below 600 pixels it may come out black.
        sizes=sizes("1328x1328 1472x1104 1584x1056 1664x944 2016x864"),
        hd_sizes=sizes("2016x2016 2016x1512 2016x1344 2016x1136 2016x864"),
        keywords=keywords(k1="1328x1328"),
    ),
    visual(
        id="jimeng-inpaint",
        req_key="jimeng_image2image_dream_inpaint",
        aliases=("jimeng-erase",),
        task="inpainting",
        # Without words it erases.
        takes=given(mask=True, prompt="optional"),
        sizes={},
        hd_sizes={},
    ),
    visual(
        id="jimeng-outpaint",
        req_key="jimeng_img2img_seed3_painting_edit",
        aliases=("jimeng-expand",),
        task="outpainting",
        # How much it may grow at an edge stands nowhere; a service of the same house
        # says 0.4. Grown at all of them, a larger picture than this would come out too
        # large to be fetched and decoded here, and would be paid for.
        takes=given(sides=(32, 2800), expand=0.4, prompt="optional"),
        sizes={},
        hd_sizes={},
    ),
    visual(
        id="jimeng-upscale",
        req_key="jimeng_i2i_seed3_tilesr_cvtob",
        aliases=("jimeng-super-resolution",),
        task="upscaling",
        takes=given(strength=(0, 100), prompt="none", exact=True),
        sizes={},
        hd_sizes={},
        # 8K too; but that is more pixels than are decoded here, and hardly anybody can
        # download them in time.
        keywords=keywords(k4="4096x4096"),
        max_images=1,
        takes_seed=False,
        typical=20.0,
        slow=120.0,
    ),
)
