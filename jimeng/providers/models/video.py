"""What a video model makes and takes, and the parameters of one video."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal, Self

Mode = Literal[
    "text-to-video", "first-frame", "first-and-last-frame", "references", "camera"
]
Role = Literal["first_frame", "last_frame", "reference"]
FRAMES_PER_S = 24


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
        adaptive: Whether it takes the ratio from the first picture if asked to.
        audio: Whether the caller chooses between sound and silence.
        cameras: Names of camera movements; empty if there is no choice.
        camera_strengths: How strongly the camera moves.
        camera_fixed: Whether the camera can be held still.
        last_frame_output: Whether the last frame can be returned as a picture.
        obeys_flags: Whether flags in a prompt, such as ``--rs 1080p``, change the video
            and with it the price; such prompts are refused.
        req_keys: Mode -> the service's name of the model, where each has one of its
            own.
    """

    durations: tuple[int, ...]
    default_duration: int = 5
    resolutions: Mapping[str, Mapping[str, tuple[int, int]]]
    default_resolution: str
    text: bool = True
    first_frame: bool = True
    first_and_last: bool = False
    max_references: int = 0
    adaptive: bool = False
    audio: bool = False
    cameras: tuple[str, ...] = ()
    camera_strengths: tuple[str, ...] = ()
    camera_fixed: bool = False
    last_frame_output: bool = False
    obeys_flags: bool = False
    req_keys: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class VideoParameters:
    """
    The parameters of a video, beside the prompt and the seed. In a request None means
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
        """As a record holds it: what is None is left out."""
        found = {k: v for k, v in asdict(self).items() if v is not None}
        return {**found, "roles": list(self.roles)}

    @classmethod
    def read(cls, stored: Mapping) -> Self:
        """From a record; fields of a later release are left out."""
        known = {k: v for k, v in stored.items() if k in cls.__dataclass_fields__}
        return cls(**{**known, "roles": tuple(known.get("roles", ()))})


def tokens_of(width: int, height: int, seconds: float) -> int:
    """
    The tokens that Ark bills for a video of this size without video inputs.

    Source: the price page of Ark (82379/1544106), with the frame that it leaves out.
    """
    frames = FRAMES_PER_S * seconds + 1
    return int(width * height * frames // 1024)
