"""
The video models of Volcengine Ark: Seedance.

Source: https://www.volcengine.com/docs/82379/1366799 (tutorial), 2291680 (2.0), 2607688
(2.5); the fields in 1520757. The sizes are those of the tutorial.
"""

from functools import partial
from types import MappingProxyType

from jimeng.providers.models.model import MILLION_TOKENS, Model, Takes
from jimeng.providers.models.video import VideoModel, video_sizes

SEEDANCE_1 = video_sizes(
    {
        "480p": "864x480 736x544 640x640 544x736 480x864 960x416",
        "720p": "1248x704 1120x832 960x960 832x1120 704x1248 1504x640",
        "1080p": "1920x1088 1664x1248 1440x1440 1248x1664 1088x1920 2176x928",
    }
)
SEEDANCE_2 = video_sizes(
    {
        "480p": "864x496 752x560 640x640 560x752 496x864 992x432",
        "720p": "1280x720 1112x834 960x960 834x1112 720x1280 1470x630",
        "1080p": "1920x1080 1664x1248 1440x1440 1248x1664 1080x1920 2206x946",
        "4k": "3840x2160 3326x2494 2880x2880 2494x3326 2160x3840 4398x1886",
    }
)


def up_to(resolution: str) -> MappingProxyType:
    """The sizes of `SEEDANCE_2` up to a resolution."""
    names = list(SEEDANCE_2)
    chosen = names[: names.index(resolution) + 1]
    return MappingProxyType({name: SEEDANCE_2[name] for name in chosen})


# Ark fetches links within five seconds and from inside China, so the bytes are sent
# inline, as for pictures.
frames = partial(
    Takes,
    least=0,
    most=2,
    sides=(300, 6000),
    max_ratio=2.5,
    max_bytes=12_000_000,
    travels="data_url",
    prompt="optional",
)
# Clips of five seconds take 25 to 290 s, of thirty about 18 minutes.
seedance = partial(
    Model,
    provider="volcengine_ark",
    sizes=MappingProxyType({}),
    hd_sizes=MappingProxyType({}),
    task="text-to-video",
    takes=frames(),
    takes_seed=False,
    unit=MILLION_TOKENS,
    # At most 500 Chinese characters or 1000 words are advised.
    max_prompt=2000,
    # The service checks the inputs before it responds.
    answer_within=30.0,
    typical=90.0,
    slow=300.0,
    # Sent as `execution_expires_after`, with a margin; links live 24 h.
    deadline_s=3900.0,
    late_polls_s=(7200.0, 43_200.0, 82_800.0),
)
seedance_1 = partial(
    VideoModel,
    durations=tuple(range(2, 13)),
    resolutions=SEEDANCE_1,
    default_resolution="720p",
    camera_fixed=True,
    last_frame_output=True,
    obeys_flags=True,
)
seedance_2 = partial(
    VideoModel,
    durations=tuple(range(4, 16)),
    resolutions=up_to("720p"),
    default_resolution="720p",
    audio=True,
    last_frame_output=True,
    max_references=9,
    adaptive_text=True,
)
# The default tier; the other one takes hours.
ONLINE = MappingProxyType({"service_tier": "default"})

VIDEOS = (
    seedance(
        id="doubao-seedance-1.0-pro",
        req_key="doubao-seedance-1-0-pro-250528",
        aliases=("seedance-1.0-pro",),
        takes_seed=True,
        extra=ONLINE,
        video=seedance_1(),
    ),
    seedance(
        id="doubao-seedance-1.0-pro-fast",
        req_key="doubao-seedance-1-0-pro-fast-251015",
        aliases=("seedance-1.0-pro-fast",),
        takes=frames(most=1),
        takes_seed=True,
        extra=ONLINE,
        typical=40.0,
        video=seedance_1(first_and_last=False),
    ),
    seedance(
        id="doubao-seedance-1.5-pro",
        req_key="doubao-seedance-1-5-pro-251215",
        aliases=("seedance-1.5-pro",),
        takes_seed=True,
        extra=MappingProxyType({**ONLINE, "draft": False}),
        video=seedance_1(
            durations=tuple(range(4, 13)),
            resolutions=up_to("1080p"),
            audio=True,
            adaptive_text=True,
        ),
    ),
    seedance(
        id="doubao-seedance-2.0",
        req_key="doubao-seedance-2-0-260128",
        aliases=("seedance-2.0",),
        takes=frames(most=9),
        slow=600.0,
        video=seedance_2(resolutions=up_to("4k")),
    ),
    seedance(
        id="doubao-seedance-2.0-fast",
        req_key="doubao-seedance-2-0-fast-260128",
        aliases=("seedance-2.0-fast",),
        takes=frames(most=9),
        typical=60.0,
        video=seedance_2(),
    ),
    seedance(
        id="doubao-seedance-2.0-mini",
        req_key="doubao-seedance-2-0-mini-260615",
        aliases=("seedance-2.0-mini",),
        takes=frames(most=9),
        typical=60.0,
        video=seedance_2(),
    ),
    seedance(
        id="doubao-seedance-2.5",
        req_key="doubao-seedance-2-5-260628",
        aliases=("seedance-2.5",),
        # The service takes 30; a request of ours has at most 14.
        takes=frames(most=14),
        typical=120.0,
        slow=1200.0,
        video=seedance_2(
            durations=tuple(range(4, 31)),
            resolutions=up_to("1080p"),
            max_references=14,
            follows_frame=True,
        ),
    ),
)
