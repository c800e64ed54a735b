"""
The video models of Volcengine Visual: 即梦 3.0.

Source: https://www.volcengine.com/docs/85621, pages 1792710 (720p), 1785204 (first
frame), 1791184 (first and last), 1785201 (camera), 1792711 and 1802721 (1080p), 1777001
(Pro). The pages name ratios only; the sizes are those of Seedance 1.0, the same family.
"""

from functools import partial
from types import MappingProxyType

from jimeng.providers.models.ark_videos import SEEDANCE_1
from jimeng.providers.models.model import SECOND, Model, Takes
from jimeng.providers.models.video import VideoModel

CAMERAS = (
    *("hitchcock_dolly_in", "hitchcock_dolly_out", "robo_arm", "dynamic_orbit"),
    *("central_orbit", "crane_push", "quick_pull_back", "counterclockwise_swivel"),
    *("clockwise_swivel", "handheld", "rapid_push_pull"),
)
STRENGTHS = ("weak", "medium", "strong")

# The documentation says 4.7 MB, but not whether before or after base64 encoding.
frames = partial(
    Takes,
    least=0,
    most=2,
    sides=(320, 4096),
    max_ratio=3,
    max_bytes=4_700_000,
    prompt="optional",
)
jimeng_video = partial(
    Model,
    provider="volcengine_jimeng",
    sizes=MappingProxyType({}),
    hd_sizes=MappingProxyType({}),
    task="text-to-video",
    unit=SECOND,
    typical=90.0,
    slow=400.0,
    deadline_s=3600.0,
    # Links live for an hour.
    late_polls_s=(4800.0, 6000.0, 7200.0),
)


def video(resolution: str, **options) -> VideoModel:
    return VideoModel(
        durations=(5, 10),
        resolutions=MappingProxyType({resolution: SEEDANCE_1[resolution]}),
        default_resolution=resolution,
        follows_frame=True,
        alike_frames=True,
        sends_frames=True,
        **options,
    )


VIDEOS = (
    jimeng_video(
        id="jimeng-video-3.0",
        req_key="jimeng_t2v_v30",
        aliases=(
            *("jimeng-video-3.0-720p", "jimeng_i2v_first_v30"),
            *("jimeng_i2v_first_tail_v30", "jimeng_i2v_recamera_v30"),
        ),
        takes=frames(),
        video=video(
            "720p",
            cameras=CAMERAS,
            camera_strengths=STRENGTHS,
            req_keys=MappingProxyType(
                {
                    "first-frame": "jimeng_i2v_first_v30",
                    "first-and-last-frame": "jimeng_i2v_first_tail_v30",
                    "camera": "jimeng_i2v_recamera_v30",
                }
            ),
        ),
    ),
    jimeng_video(
        id="jimeng-video-3.0-1080p",
        req_key="jimeng_t2v_v30_1080p",
        aliases=("jimeng_i2v_first_v30_1080", "jimeng_i2v_first_tail_v30_1080"),
        takes=frames(),
        video=video(
            "1080p",
            req_keys=MappingProxyType(
                {
                    # Without the last letter of the other.
                    "first-frame": "jimeng_i2v_first_v30_1080",
                    "first-and-last-frame": "jimeng_i2v_first_tail_v30_1080",
                }
            ),
        ),
    ),
    jimeng_video(
        id="jimeng-video-3.0-pro",
        req_key="jimeng_ti2v_v30_pro",
        takes=frames(most=1),
        video=video("1080p", first_and_last=False),
    ),
)
