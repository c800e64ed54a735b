"""
The bodies and answers of Volcengine Visual's videos, submitted and polled as pictures
are.

Source: https://www.volcengine.com/docs/85621, pages 1792710, 1785204, 1791184, 1785201,
1792711, 1802721, 1777001.
"""

from dataclasses import replace

from jimeng.providers.models import Model
from jimeng.providers.models.video import FRAMES_PER_S, VideoParameters
from jimeng.providers.provider import ImageRequest, Progress, Reply, finished

LINKS_LIVE_S = 3600.0


def order(request: ImageRequest, video: VideoParameters, model: Model) -> dict:
    """
    Build the body of a submission, except for its inputs. With a first frame its ratio
    rules, so none is sent.
    """
    body: dict[str, object] = {**model.extra, "req_key": request.req_key}
    if request.prompt:
        body["prompt"] = request.prompt
    if request.seed is not None:
        body["seed"] = request.seed
    seconds = video.duration or 0
    if model.video and model.video.sends_frames:
        body["frames"] = FRAMES_PER_S * seconds + 1
    else:
        body["duration"] = seconds
    if video.mode == "text-to-video":
        body["aspect_ratio"] = video.ratio
    if video.mode == "camera":
        body["template_id"] = video.camera
        body["camera_strength"] = video.camera_strength
    return body


def wishes(producer_id: str) -> dict[str, object]:
    """The options of a poll: the AI label in the metadata needs both of its fields."""
    if not producer_id:
        return {}
    label = {"producer_id": producer_id, "content_propagator": producer_id}
    return {"aigc_meta": label}


def done(remote_id: str, reply: Reply) -> Progress | None:
    """Build the progress of a finished video; None if there is no link."""
    found = finished(remote_id, reply, [reply.data.get("video_url")], [])
    return found and replace(found, links_live_s=LINKS_LIVE_S)
