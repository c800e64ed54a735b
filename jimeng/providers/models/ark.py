"""
The models of Volcengine Ark: text to image, with optional reference pictures; videos.

Source: the page of each model under https://www.volcengine.com/docs/82379/1541523,
which also recommends the sizes.
"""

from functools import partial

from jimeng.providers.models.ark_videos import VIDEOS
from jimeng.providers.models.model import Model, Takes, keywords, sizes

ANSWER_TIMEOUT_S = 180.0  # seconds: the response contains the picture
SEEDREAM_2K = sizes("2048x2048 2304x1728 2496x1664 2848x1600 3136x1344")
# Ark lists 5504x3040 for 16:9, which is closer to 9:5; this is Visual's size.
SEEDREAM_4K = sizes("4096x4096 4704x3520 4992x3328 5404x3040 6240x2656")

# Ark fetches links within five seconds and from inside China, so the bytes are sent
# inline. Older pages say 10 MB, newer ones 30.
references = partial(
    Takes,
    least=0,
    sides=(15, 4096),
    max_pixels=36_000_000,
    max_ratio=16,
    max_bytes=10_000_000,
    travels="data_url",
)
# Synchronous. 26 s and 43 s were measured for 5.0-lite and pro; the others are
# estimates based on these.
ark = partial(
    Model,
    provider="volcengine_ark",
    sizes=SEEDREAM_2K,
    max_ratio=16,
    takes=references(most=14),
    takes_seed=False,
    is_synchronous=True,
    answer_within=ANSWER_TIMEOUT_S,
    typical=20.0,
    slow=90.0,
)
ark_small = partial(
    ark,
    takes=references(most=10),
    hd_sizes=SEEDREAM_2K,
    keywords=keywords(k1="1024x1024", k1_5="1536x1536", k2="2048x2048"),
    area=(921_600, 4_624_220),
)

MODELS = (
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
        # Newer pages allow up to 4.5; all of them allow this.
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
    *VIDEOS,
)
