"""
The text-to-image models of Volcengine, on both of its APIs.

Sources: the pages of each model under https://www.volcengine.com/docs/85621 (Visual)
and https://www.volcengine.com/docs/82379/1541523 (Ark); the sizes are those that they
recommend. ``standard`` is the size the provider draws by default, ``hd`` the largest
one recommended for a ratio, or, where none is, the largest that the limits allow.
"""

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType

from jimeng.providers.models.model import Model, Size, parse_size

DEFAULT_MODEL = "doubao-seedream-3.0-t2i"
LANDSCAPES = ("1:1", "4:3", "3:2", "16:9", "21:9")


def sizes(text: str) -> Mapping[str, Size]:
    """
    Read the sizes of `LANDSCAPES` in turn, and turn 4:3 into 3:4 and so on; 21:9 has
    no portrait in the contract.
    """
    found = dict(zip(LANDSCAPES, map(pixels, text.split()), strict=True))
    for ratio in ("4:3", "3:2", "16:9"):
        width, height = found[ratio]
        found[":".join(reversed(ratio.split(":")))] = (height, width)
    return MappingProxyType(found)


def keywords(**named: str) -> Mapping[str, Size]:
    """``k2="2048x2048"`` is 2K; ``k1_5`` is 1.5K."""
    words = {name[1:].replace("_", ".") + "K": text for name, text in named.items()}
    return MappingProxyType({word: pixels(text) for word, text in words.items()})


def pixels(text: str) -> Size:
    found = parse_size(text)
    if found is None:
        raise ValueError(f"{text} is no size")
    return found


# The service's own default is 1328x1328, a little over "1K".
JIMENG_1K = sizes("1328x1328 1472x1104 1584x1056 1664x936 2016x864")
JIMENG_2K = sizes("2048x2048 2304x1728 2496x1664 2560x1440 3024x1296")
SEEDREAM_2K = sizes("2048x2048 2304x1728 2496x1664 2848x1600 3136x1344")
# Ark names 5504x3040 for 16:9, which is nearer to 9:5; this is Visual's.
SEEDREAM_4K = sizes("4096x4096 4704x3520 4992x3328 5404x3040 6240x2656")

SQUARE_4MP = (512 * 512, 2048 * 2048)  # pixels
SQUARE_16MP = (1024 * 1024, 4096 * 4096)

visual = partial(Model, provider="volcengine_jimeng")
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
# Ark answers with the picture. 26 s and 43 s were measured for 5.0-lite and pro; the
# others are guesses around them.
ark = partial(
    Model,
    provider="volcengine_ark",
    sizes=SEEDREAM_2K,
    max_ratio=16,
    takes_seed=False,
    is_synchronous=True,
    answer_within=180.0,
    typical=20.0,
    slow=90.0,
)
ark_small = partial(
    ark,
    hd_sizes=SEEDREAM_2K,
    keywords=keywords(k1="1024x1024", k1_5="1536x1536", k2="2048x2048"),
    area=(921_600, 4_624_220),
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
    ),
    visual_4(
        id="jimeng-4.6",
        req_key="jimeng_seedream46_cvtob",
        aliases=("seedream-4.6",),
        hd_sizes=sizes("4096x4096 4693x3520 4992x3328 5404x3040 6197x2656"),
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
    ark(
        id="doubao-seedream-4.0",
        req_key="doubao-seedream-4-0-250828",
        aliases=("seedream-4.0", "jimeng-4.0"),
        area=(921_600, 4096 * 4096),
        hd_sizes=SEEDREAM_4K,
        keywords=keywords(k1="1024x1024", k2="2048x2048", k4="4096x4096"),
        draws_groups=True,
    ),
    ark(
        id="doubao-seedream-4.5",
        req_key="doubao-seedream-4-5-251128",
        aliases=("seedream-4.5",),
        area=(3_686_400, 4096 * 4096),
        hd_sizes=SEEDREAM_4K,
        keywords=keywords(k2="2048x2048", k4="4096x4096"),
        draws_groups=True,
    ),
    ark(
        id="doubao-seedream-5.0-lite",
        req_key="doubao-seedream-5-0-260128",
        aliases=(
            "doubao-seedream-5.0",
            "seedream-5.0-lite",
            "doubao-seedream-5-0-lite-260128",
        ),
        # Newer pages allow as much as 4.5; all of them allow this.
        area=(3_686_400, 10_404_496),
        hd_sizes=sizes("3072x3072 3456x2592 3744x2496 4096x2304 4704x2016"),
        keywords=keywords(k2="2048x2048", k3="3072x3072"),
        draws_groups=True,
        typical=26.0,
    ),
    ark_small(
        id="doubao-seedream-5.0-pro",
        req_key="doubao-seedream-5-0-pro-260628",
        aliases=("seedream-5.0-pro",),
        typical=43.0,
        slow=120.0,
    ),
    ark_small(
        id="doubao-seedream-5.0-flash",
        req_key="doubao-seedream-5-0-flash-260915",
        aliases=("seedream-5.0-flash",),
    ),
)
