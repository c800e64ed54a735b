"""LiteLLM, unchanged: a picture as bytes, as a link, and an edit."""

import base64
import io
import os

import litellm

WHERE = {"api_base": os.environ["URL"] + "/v1", "api_key": os.environ["KEY"]}

answer = litellm.image_generation(
    model="openai/gpt-image-1", prompt="cat by litellm", size="1024x1024", **WHERE
)
assert base64.b64decode(answer.data[0]["b64_json"]).startswith(b"\x89PNG")

answer = litellm.image_generation(
    model="openai/doubao-seedream-3.0-t2i",
    prompt="cats by litellm",
    n=2,
    size="512x512",
    response_format="url",
    drop_params=True,
    **WHERE,
)
assert len(answer.data) == 2
assert answer.data[0]["url"].startswith(os.environ["URL"] + "/i/")

red = bytes.fromhex(os.environ["PICTURE"])
answer = litellm.image_edit(
    model="openai/gpt-image-1",
    image=[io.BytesIO(red)],
    prompt="a hat by litellm",
    size="1024x1024",
    **WHERE,
)
assert base64.b64decode(answer.data[0].b64_json).startswith(b"\x89PNG")

try:
    litellm.image_generation(
        model="openai/doubao-seedream-3.0-t2i", prompt="x", size="9000x9000", **WHERE
    )
except litellm.BadRequestError as error:
    assert "2048" in str(error), error
else:
    raise AssertionError("was taken")
print("done")
