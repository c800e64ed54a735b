"""
The models of Volcengine Visual that draw from words, with pictures beside them or not.

Source: the page of each model under https://www.volcengine.com/docs/85621; the sizes
are those that they recommend. ``standard`` is the size the provider draws by default,
``hd`` the largest one recommended for a ratio, or, where none is, the largest that the
limits allow.
"""

from functools import partial
from types import MappingProxyType

from jimeng.providers.models.model import DEFAULT_MODEL, Model
from jimeng.providers.models.sizes import keywords, sizes
from jimeng.providers.models.takes import Takes
from jimeng.providers.models.visual_editing import MODELS as EDITING

# The service's own default is 1328x1328, a little over "1K".
JIMENG_1K = sizes("1328x1328 1472x1104 1584x1056 1664x936 2016x864")
JIMENG_2K = sizes("2048x2048 2304x1728 2496x1664 2560x1440 3024x1296")

SQUARE_4MP = (512 * 512, 2048 * 2048)  # pixels
SQUARE_16MP = (1024 * 1024, 4096 * 4096)

visual = partial(Model, provider="volcengine_jimeng")
# Of 4.0 and 4.6 no page says that they take base64; clients send it, with what success
# nobody has written down.
references = partial(
    Takes, least=0, sides=(15, 4096), max_ratio=3, max_bytes=15_000_000, travels="link"
)
# On Visual one call draws one picture or a group; without a seed each differs.
visual_4 = partial(
    visual,
    sizes=JIMENG_2K,
    keywords=keywords(k1="1024x1024", k2="2048x2048", k4="4096x4096"),
    area=SQUARE_16MP,
    max_ratio=3,  # unless the request widens it, which ours do not
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
        # 21:9 at the width of the others would be too low.
        sizes=sizes("512x512 512x384 512x341 512x288 672x288"),
        hd_sizes=sizes("768x768 768x576 768x512 768x432 756x324"),
        rewrites_prompt=True,
        # What comes out has twice the width and height that were asked for.
        extra=MappingProxyType({"use_sr": True}),
        is_synchronous=True,
        answer_within=120.0,
        typical=10.0,
    ),
    *EDITING,
)
