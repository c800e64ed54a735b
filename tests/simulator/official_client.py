"""
Calls the simulator with the package volcengine: port, access key, secret key, and a
picture and its mask in base64.
"""

import sys

from volcengine.visual.VisualService import VisualService


def main(port: str, access_key: str, secret_key: str, *pictures: str) -> str:
    """Submit, poll, and return the status, or what was raised."""
    service = VisualService()
    service.set_scheme("http")
    service.set_host(f"127.0.0.1:{port}")
    service.set_ak(access_key)
    service.set_sk(secret_key)
    service.set_socket_timeout(60)  # a machine may be busy
    body = {"req_key": "jimeng_t2i_v30", "prompt": "雪地里的红狐狸", "seed": 5}
    try:
        task_id = service.cv_sync2async_submit_task(body)["data"]["task_id"]
        edit = {"req_key": "jimeng_image2image_dream_inpaint", "prompt": "删除"}
        edit["binary_data_base64"] = list(pictures)
        service.cv_sync2async_submit_task(edit)
        body = {"req_key": "jimeng_t2i_v30", "task_id": task_id}
        return service.cv_sync2async_get_result(body)["data"]["status"]
    except Exception as error:  # the package raises nothing more precise
        return str(error)


if __name__ == "__main__":
    sys.stdout.write(main(*sys.argv[1:]))
