"""What the service and its gateway say, in small, and what is asked of them."""

import json

from jimeng.providers import ImageRequest

ACCESS_KEY, SECRET_KEY = "AKEXAMPLE12345", "SECRETEXAMPLE12345"
FOX = ImageRequest(
    req_key="jimeng_t2i_v30", prompt="雪地里的狐狸", width=1328, height=1024, seed=7
)


def flat(code, data=None, message="words"):
    """An answer of the service."""
    told = {"code": code, "data": data, "message": message, "request_id": "R1"}
    return json.dumps(told).encode()


def gateway(number, name="Name", message="words"):
    """An answer of the gateway before the service."""
    error = {"CodeN": number, "Code": name, "Message": message}
    return json.dumps(
        {"ResponseMetadata": {"RequestId": "R2", "Error": error}}
    ).encode()


def state(status, **data):
    data = {"binary_data_base64": None, "image_urls": None, **data}
    return flat(10000, {"status": status, **data})


def assert_error(caught, code, **expected):
    """Compare the error with *expected*; what it leaves out is off, and free."""
    known = {
        "transient": False,
        "maybe_accepted": False,
        "new_seed": False,
        "charged": "no",
        **expected,
    }
    assert caught.value.code == code
    assert {name: getattr(caught.value, name) for name in known} == known
