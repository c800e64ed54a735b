"""The video models of Ark as data: what each makes, takes and costs."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from simulator.visual_models import Body, is_int

RATIOS = ("16:9", "4:3", "1:1", "3:4", "9:16", "21:9")
Sizes = Mapping[str, Mapping[str, tuple[int, int]]]


def sizes(**rows: str) -> Sizes:
    """Resolution -> ratio -> width and height, from sizes in the order of `RATIOS`."""
    found = {}
    for name, row in rows.items():
        pairs = [tuple(map(int, each.split("x"))) for each in row.split()]
        found[name.lstrip("p_")] = dict(zip(RATIOS, pairs, strict=True))
    return found  # type: ignore[return-value]


# https://www.volcengine.com/docs/82379/1520757.
OLDER_SIZES = sizes(
    p_480p="864x480 736x544 640x640 544x736 480x864 960x416",
    p_720p="1248x704 1120x832 960x960 832x1120 704x1248 1504x640",
    p_1080p="1920x1088 1664x1248 1440x1440 1248x1664 1088x1920 2176x928",
)
SIZES = sizes(
    p_480p="864x496 752x560 640x640 560x752 496x864 992x432",
    p_720p="1280x720 1112x834 960x960 834x1112 720x1280 1470x630",
    p_1080p="1920x1080 1664x1248 1440x1440 1248x1664 1080x1920 2206x946",
    # Only the first is certain.
    p_4k="3840x2160 3326x2494 2880x2880 2494x3326 2160x3840 4398x1886",
)
# The older models obey these in a prompt, even against the field of the same name.
FLAGS = {
    "resolution": ("resolution", "rs"),
    "ratio": ("ratio", "rt"),
    "duration": ("duration", "dur"),
    "seed": ("seed",),
    "camera_fixed": ("camerafixed", "cf"),
    "watermark": ("watermark", "wm"),
}
FLAG = re.compile(r"--(\w+)\s+(\S+)")
EXPIRES_AFTER = (3600, 259_200)  # seconds
DEFAULT_EXPIRES_AFTER = 172_800
MAX_TAG = 64  # characters
# Fields of every model, besides model and content.
COMMON = {
    *("resolution", "ratio", "duration", "watermark", "return_last_frame"),
    *("execution_expires_after", "safety_identifier", "callback_url"),
}
BOOLEANS = {"watermark", "return_last_frame", "generate_audio", "camera_fixed", "draft"}


@dataclass(frozen=True, kw_only=True)
class ArkVideoModel:
    """
    Attributes:
        resolutions: Resolution -> ratio -> width and height.
        default_resolution: The one of a request without.
        seconds: Minimum and maximum duration.
        prices: Yuan per million tokens, by resolution; ``""``: the others.
        silent_price: The same without sound; 0 if it is the same.
        takes: Optional fields besides `COMMON`; others are ignored, or refused if the
            simulator is strict.
        first_and_last: Whether a last frame is accepted.
        max_references: Maximum number of reference pictures.
        decides: Whether a duration of -1 lets the model decide.
        adaptive: Whether its ratio is ``adaptive`` if none is requested.
        obeys_flags: Whether flags in the prompt are obeyed.
    """

    resolutions: Sizes = field(default_factory=lambda: SIZES)
    default_resolution: str = "720p"
    seconds: tuple[int, int]
    prices: Mapping[str, float]
    silent_price: float = 0
    takes: frozenset[str]
    first_and_last: bool = True
    max_references: int = 0
    decides: bool = True
    adaptive: bool = True
    obeys_flags: bool = False

    def complaint(self, body: Body, *, strict: bool) -> str:
        """The first invalid field; empty if there is none."""
        resolution, ratio = body.get("resolution"), body.get("ratio")
        if resolution is not None and resolution not in self.resolutions:
            return "resolution"
        if ratio is not None and ratio not in (*RATIOS, "adaptive"):
            return "ratio"
        if not self._is_duration(body.get("duration")):
            return "duration"
        if "frames" in self.takes and not is_frames(body.get("frames")):
            return "frames"
        after = body.get("execution_expires_after")
        low, high = EXPIRES_AFTER
        if after is not None and not (is_int(after) and low <= after <= high):
            return "execution_expires_after"
        tag = body.get("safety_identifier")
        if tag is not None and not (isinstance(tag, str) and len(tag) <= MAX_TAG):
            return "safety_identifier"
        if body.get("output_format") not in (None, "mp4"):
            return "output_format"
        return self._strict_complaint(body) if strict else ""

    def _is_duration(self, value: object) -> bool:
        low, high = self.seconds
        if value is None or (self.decides and value == -1):
            return True
        return is_int(value) and low <= value <= high

    def _strict_complaint(self, body: Body) -> str:
        """The first field that Ark would ignore, although it may have been meant."""
        for name, value in body.items():
            known = name in COMMON | self.takes | {"model", "content"}
            if value is not None and not known:
                return name
            if value is not None and name in BOOLEANS and not isinstance(value, bool):
                return name
        return ""

    def obeyed(self, body: Body, text: str) -> dict[str, object]:
        """The fields, with those that flags in the prompt replace."""
        found = {name: value for name, value in body.items() if value is not None}
        for flag, word in FLAG.findall(text) if self.obeys_flags else ():
            for name, flags in FLAGS.items():
                value: object = int(word) if word.lstrip("-").isdigit() else word
                value = {"true": True, "false": False}.get(str(value), value)
                if flag in flags and not self.complaint({name: value}, strict=True):
                    found[name] = value
        return found

    def cost(self, tokens: int, resolution: str, *, audio: bool) -> int:
        """The price of a video in micro-yuan, rounded up."""
        yuan = self.prices.get(resolution) or self.prices[""]
        if self.silent_price and not audio:
            yuan = self.silent_price
        return -(-tokens * round(yuan * 1_000_000) // 1_000_000)


def is_frames(value: object) -> bool:
    return value is None or (
        is_int(value) and 29 <= value <= 289 and (value - 25) % 4 == 0
    )


def nearest_ratio(width: int, height: int) -> str:
    def distance(ratio: str) -> float:
        a, b = map(int, ratio.split(":"))
        return max(width * b / (height * a), height * a / (width * b))

    return min(RATIOS, key=distance)


V10_PRO = ArkVideoModel(
    resolutions=OLDER_SIZES,
    default_resolution="1080p",
    seconds=(2, 12),
    prices={"": 15},
    takes=frozenset({"seed", "camera_fixed", "frames", "service_tier"}),
    decides=False,
    adaptive=False,
    obeys_flags=True,
)
V20 = ArkVideoModel(
    seconds=(4, 15),
    prices={"": 46, "1080p": 51, "4k": 26},
    takes=frozenset({"generate_audio", "priority", "tools"}),
    max_references=9,
)
LOW = {name: SIZES[name] for name in ("480p", "720p")}
# https://www.volcengine.com/docs/82379: 1330310 (models), 1544106 (prices).
VIDEO_MODELS = {
    "doubao-seedance-1-0-pro-250528": V10_PRO,
    "doubao-seedance-1-0-pro-fast-251015": replace(
        V10_PRO, prices={"": 4.2}, first_and_last=False
    ),
    "doubao-seedance-1-5-pro-251215": ArkVideoModel(
        resolutions={name: SIZES[name] for name in ("480p", "720p", "1080p")},
        seconds=(4, 12),
        prices={"": 16},
        silent_price=8,
        takes=frozenset(
            {"seed", "camera_fixed", "generate_audio", "service_tier", "draft"}
        ),
        obeys_flags=True,
    ),
    "doubao-seedance-2-0-260128": V20,
    "doubao-seedance-2-0-fast-260128": replace(V20, resolutions=LOW, prices={"": 37}),
    "doubao-seedance-2-0-mini-260615": replace(V20, resolutions=LOW, prices={"": 23}),
    "doubao-seedance-2-5-260628": replace(
        V20,
        resolutions={**LOW, "1080p": SIZES["1080p"]},
        seconds=(4, 30),
        prices={"": 70, "1080p": 77},
        takes=V20.takes | {"output_format", "omni_reference_task_type"},
        max_references=30,
    ),
}
