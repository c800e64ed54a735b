"""What a video model makes and takes, and the parameters of one video."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Literal, Self, get_args

Mode = Literal[
    "text-to-video", "first-frame", "first-and-last-frame", "references", "camera"
]
MODES: tuple[Mode, ...] = get_args(Mode)
Role = Literal["first_frame", "last_frame", "reference"]
VideoSizes = Mapping[str, Mapping[str, tuple[int, int]]]
FRAMES_PER_S = 24
BITS_PER_PIXEL = 0.5  # of a file; usual are 0.2 to 0.4
ADAPTIVE = "adaptive"
VIDEO_RATIOS = ("16:9", "4:3", "1:1", "3:4", "9:16", "21:9")
DEFAULT_VIDEO_RATIO = "16:9"


@dataclass(frozen=True, kw_only=True)
class VideoModel:
    """
    The part of a `Model` that makes videos.

    Attributes:
        durations: Seconds that may be requested, ascending.
        default_duration: Seconds.
        resolutions: Name, such as ``720p`` -> ratio -> width and height; ascending.
        default_resolution: One of *resolutions*.
        text: Whether it can start from a prompt alone.
        first_frame: Whether it can start from a picture.
        first_and_last: Whether a picture to end with may be added to that.
        max_references: Maximum number of reference pictures; 0 if it takes none.
        adaptive: Whether it takes the ratio from the first frame if asked to.
        adaptive_text: Whether it chooses the ratio itself without one if asked to.
        follows_frame: Whether it always takes the ratio of the first frame.
        alike_frames: Whether first and last frame must have the same ratio.
        audio: Whether the caller chooses between sound and silence.
        cameras: Names of camera movements; empty if there is no choice.
        camera_strengths: How strongly the camera moves.
        camera_fixed: Whether the camera can be held still.
        last_frame_output: Whether the last frame can be returned as a picture.
        obeys_flags: Whether flags in a prompt, such as ``--rs 1080p``, change the video
            and with it the price; such prompts are refused.
        req_keys: Mode -> the service's name of the model, where it differs from that of
            the row.
        sends_frames: Whether the request has the number of frames, not the seconds.
    """

    durations: tuple[int, ...]
    default_duration: int = 5
    resolutions: VideoSizes
    default_resolution: str
    text: bool = True
    first_frame: bool = True
    first_and_last: bool = True
    max_references: int = 0
    adaptive: bool = True
    adaptive_text: bool = False
    follows_frame: bool = False
    alike_frames: bool = False
    audio: bool = False
    cameras: tuple[str, ...] = ()
    camera_strengths: tuple[str, ...] = ()
    camera_fixed: bool = False
    last_frame_output: bool = False
    obeys_flags: bool = False
    req_keys: Mapping[str, str] = field(default_factory=dict)
    sends_frames: bool = False

    @property
    def typical_max_bytes(self) -> int:
        """
        Nearly all of its files are smaller, even the longest at the highest resolution.
        """
        sizes = [size for each in self.resolutions.values() for size in each.values()]
        pixels = max(width * height for width, height in sizes)
        frames = self.durations[-1] * FRAMES_PER_S
        return int(pixels * frames * BITS_PER_PIXEL / 8)

    @property
    def modes(self) -> tuple[Mode, ...]:
        """What it can start from."""
        offered: dict[Mode, object] = {
            "text-to-video": self.text,
            "first-frame": self.first_frame,
            "first-and-last-frame": self.first_and_last,
            "references": self.max_references,
            "camera": self.cameras,
        }
        return tuple(mode for mode, is_offered in offered.items() if is_offered)

    def size_of(
        self, video: "VideoParameters", first: tuple[int, int] | None = None
    ) -> tuple[int, int]:
        """
        Return the expected width and height of a video, in pixels.

        Args:
            video: Its resolved parameters.
            first: Width and height of the first frame, if they are known.
        """
        sizes = self.resolutions[video.resolution or self.default_resolution]
        if video.ratio != ADAPTIVE:
            return sizes[video.ratio or DEFAULT_VIDEO_RATIO]
        if first is None or "first_frame" not in video.roles:
            return sizes[DEFAULT_VIDEO_RATIO]
        ratio = first[0] / first[1]
        return min(
            sizes.values(), key=lambda each: abs(math.log(each[0] / each[1] / ratio))
        )


@dataclass(frozen=True, kw_only=True)
class VideoParameters:
    """
    The parameters of a video, except the prompt and the seed. In a request None means
    the model's default; once resolved, only what the model has no choice of is None.

    Attributes:
        duration: Seconds.
        resolution: Such as ``720p``.
        ratio: Such as ``16:9``, or ``adaptive`` for that of the first frame.
        audio: Whether it has sound.
        camera: The camera's movement.
        camera_strength: How strongly it moves.
        camera_fixed: Whether the camera is held still.
        last_frame: Whether the last frame is returned as a picture.
        roles: What each input picture is for, in order.
    """

    duration: int | None = None
    resolution: str | None = None
    ratio: str | None = None
    audio: bool | None = None
    camera: str | None = None
    camera_strength: str | None = None
    camera_fixed: bool | None = None
    last_frame: bool | None = None
    roles: tuple[Role, ...] = ()

    @property
    def mode(self) -> Mode:
        if self.camera:
            return "camera"
        if "reference" in self.roles:
            return "references"
        if "last_frame" in self.roles:
            return "first-and-last-frame"
        return "first-frame" if "first_frame" in self.roles else "text-to-video"

    def stored(self) -> dict:
        """As stored in a record, without fields that are None."""
        found = {k: v for k, v in asdict(self).items() if v is not None}
        return {**found, "roles": list(self.roles)}

    @classmethod
    def read(cls, stored: Mapping) -> Self:
        """From a record; fields of a later release are ignored."""
        known = {k: v for k, v in stored.items() if k in cls.__dataclass_fields__}
        return cls(**{**known, "roles": tuple(known.get("roles", ()))})


def tokens_of(width: int, height: int, seconds: float) -> int:
    """
    The tokens that Ark bills for a video of this size without video inputs.

    Source: the price page of Ark (82379/1544106), with the frame that it leaves out.
    """
    frames = FRAMES_PER_S * seconds + 1
    return int(width * height * frames // 1024)


def video_sizes(rows: Mapping[str, str]) -> VideoSizes:
    """Build a table: resolution -> the sizes of `VIDEO_RATIOS`, in this order."""
    return MappingProxyType(
        {
            resolution: MappingProxyType(
                {
                    ratio: (int(size.split("x")[0]), int(size.split("x")[1]))
                    for ratio, size in zip(VIDEO_RATIOS, text.split(), strict=True)
                }
            )
            for resolution, text in rows.items()
        }
    )
