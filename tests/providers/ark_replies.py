"""What Ark says, in small, and what is asked of it."""

import json
from dataclasses import replace

from jimeng.providers import MODELS, ImageRequest

API_KEY = "ark-EXAMPLE-1234567890"
SWAN = ImageRequest(
    req_key="doubao-seedream-4-0-250828",
    prompt="湖上的天鹅",
    width=2048,
    height=1152,
    seed=None,
)
LINK = "https://ark.example/picture_0.jpeg?X-Tos-Expires=86400&X-Tos-Signature=0"

# The retired model with seeds, as an operator's file adds it.
SEEDED = replace(
    next(model for model in MODELS if model.provider == "volcengine_ark"),
    id="doubao-seedream-3.0-t2i",
    req_key="doubao-seedream-3-0-t2i-250415",
    aliases=(),
    takes_seed=True,
    draws_groups=False,
    extra={"guidance_scale": 2.5},
)


def drawn(*pictures, billed=1):
    """An answer of success; each picture a dict."""
    told = {
        "model": SWAN.req_key,
        "created": 1735787045,
        "data": list(pictures),
        "usage": {"generated_images": billed, "output_tokens": 9216},
    }
    return json.dumps(told).encode()


def failed(code, message="words. Request id: 0217example", param=""):
    """An answer of failure."""
    error = {"code": code, "message": message, "param": param, "type": "Kind"}
    return json.dumps({"error": error}).encode()
