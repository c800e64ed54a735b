"""Videos put straight into the database, and one that is large for its length."""

import hashlib
from functools import cache
from pathlib import Path
from random import Random
from tempfile import NamedTemporaryFile

import av

from jimeng.documents import Generation, Image, Task
from jimeng.jobs import pump
from jimeng.pictures.stores.gridfs import GridFSStore
from tests.conftest import come_due, png, run_queue
from tests.hung import hang
from tests.videos import FPS, mp4

SIDES = (256, 144)
SMALL = mp4(*SIDES, frames=2 * FPS, audio=True)
VIDEO = {"duration": 5, "resolution": "720p", "ratio": "16:9", "audio": True}


@cache
def noise(seconds: int) -> bytes:
    """A video of 1.6 MB a second, which begins before it has arrived whole."""
    random, begins = Random(1), {"movflags": "faststart"}  # which needs a real file
    with NamedTemporaryFile(suffix=".mp4") as out:
        with av.open(out.name, "w", options=begins) as file:
            pictures = file.add_stream("libx264", rate=FPS)
            pictures.width, pictures.height, pictures.pix_fmt = *SIDES, "yuv420p"
            pictures.options = {"preset": "ultrafast", "crf": "1"}
            for n in range(seconds * FPS):
                frame = av.VideoFrame(*SIDES, "yuv420p")
                for plane in frame.planes:
                    plane.update(random.randbytes(plane.buffer_size))
                frame.pts = n
                file.mux(pictures.encode(frame))
            file.mux(pictures.encode(None))
        return Path(out.name).read_bytes()


def make_video(
    picture_id: str, content: bytes = b"", *, last_frame: bytes | None = None
) -> Image:
    """Turn a stored picture with its task into a video; its poster stays."""
    content = content or SMALL
    store = GridFSStore()
    changes: dict = {
        "kind": "video",
        "file_id": store.save(content, picture_id),
        "bytes": len(content),
        "content_type": "video/mp4",
        "sha256": hashlib.sha256(content).hexdigest(),
        "duration_s": 2.0,
        "fps": float(FPS),
        "has_audio": True,
    }
    if last_frame is not None:
        changes["last_frame_id"] = store.save(last_frame, picture_id)
        changes["last_frame_bytes"] = len(last_frame)
    Image.change({"_id": picture_id}, changes)
    image = Image.find_one({"_id": picture_id})
    assert image is not None
    Task.collection().update_one(
        {"_id": image.task_id}, {"$set": {"type": "video", "video": VIDEO}}
    )
    return image


def finish_video(task_id: str) -> Image:
    """Let a picture be stored in the place of a task's video, and make that one."""
    run_queue()
    Generation.collection().update_many({}, {"$unset": {"kind": "", "video": ""}})
    come_due()
    pump.tick()
    run_queue()
    return make_video(f"{task_id}_0")


def hang_video(prompt: str = "海浪拍打礁石", content: bytes = b"", **how) -> Image:
    """A finished task with one video, put straight into the database."""
    (picture_id,) = hang(prompt, size=(1280, 720), **how)
    return make_video(picture_id, content, last_frame=png())
