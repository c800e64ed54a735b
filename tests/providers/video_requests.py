"""Requests for videos, as the jobs build them."""

from collections.abc import Sequence

from jimeng.providers import ImageRequest, InputPicture, Model, VideoParameters
from jimeng.providers.models.video_validation import resolve_video

ROLES = {
    "text-to-video": (),
    "first-frame": ("first_frame",),
    "first-and-last-frame": ("first_frame", "last_frame"),
    "references": ("reference", "reference"),
    "camera": ("first_frame",),
}
PICTURES = (
    InputPicture(b"first", "image/jpeg", 800, 800),
    InputPicture(b"second", "image/png", 800, 800),
)


def video_request(
    model: Model,
    mode: str = "text-to-video",
    *,
    prompt: str = "海浪",
    seed: int | None = None,
    tag: str = "",
    pictures: Sequence[InputPicture] = PICTURES,
    **asked: object,
) -> ImageRequest:
    """
    Args:
        mode: Decides how many of *pictures* are sent, and their roles.
        asked: Fields of `VideoParameters`.
    """
    roles = ROLES[mode]
    if mode == "camera":
        asked.setdefault("camera", model.video.cameras[-1])
    sent = tuple(pictures[: len(roles)])
    sizes = [(each.width, each.height) for each in sent]
    video = resolve_video(
        model, VideoParameters(roles=roles, **asked), prompt=prompt, pictures=sizes
    )
    width, height = model.video.size_of(video, sizes[0] if sizes else None)
    return ImageRequest(
        req_key=model.video.req_keys.get(mode, model.req_key),
        prompt=prompt,
        width=width,
        height=height,
        seed=seed,
        inputs=sent,
        video=video,
        tag=tag,
    )
