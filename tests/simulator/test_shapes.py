"""Every answer of Volcengine that is known comes when asked for."""

import json
from pathlib import Path

from PIL import ImageStat

from simulator.drawing import draw
from simulator.drawing.scenes import SCENES
from tests.simulator.caller import V40, Caller

SAMPLES = Path(__file__).parents[1] / "data" / "samples"
DONE = "[[slow 0]] 猫"
# Call -> sample -> the kind that asks for it, in a prompt or at the control endpoint;
# empty: it comes by itself.
ASKED: dict[str, dict[str, str]] = {
    "submit": {
        "submit_ok": "",
        "submit_error_pre_img_risk": "50411",
        "submit_error_text_risk": "50412",
        "submit_error_sensitive_words": "50413",
        "submit_error_pre_img_copyright": "50518",
        "submit_error_qps": "50429",
        "submit_error_concurrent": "50430",
        "submit_error_internal": "50500",
        "submit_error_rpc": "50501",
        "submit_error_risk_service": "50520",
        "submit_error_antidirt_service": "50521",
        "submit_error_image_copyright_service": "50522",
        "submit_error_input_invalid": "50215",
        "submit_error_param_prompt_too_long": "50200",
        "submit_error_param_area": "50200",
        "submit_error_access_denied": "50400",
        "gateway_missing_request_info": "100004",
        "gateway_missing_token": "100003",
        "gateway_missing_signature": "100005",
        "gateway_invalid_timestamp": "100006",
        "gateway_invalid_action": "100008",
        "gateway_invalid_access_key": "100009",
        "gateway_signature_mismatch": "100010",
        "gateway_access_denied": "100013",
        "gateway_internal_error": "100014",
        "gateway_html_502": "html_502",
    },
    "poll": {
        "get_done_urls": "",
        "get_done_urls_empty_base64_list": "resp_data",
        "get_done_base64": "base64",
        "get_done_multi_urls": "several",
        "get_done_but_empty": "done_but_empty",
        "get_not_found": "not_found",
        "get_expired": "expired",
        "get_unknown_status": "unknown_status",
        "get_invalid_task": "50215",
        "get_risk_post_img": "50511",
        "get_risk_post_img_copyright": "50519",
        "get_risk_post_text": "50413",
        "get_risk_output_text": "50512",
        "get_error_qps": "50429",
        "get_error_internal": "50500",
    },
    "process": {"cvprocess_v21_ok": ""},
    "ark": {
        "ark_ok_url": "",
        "ark_ok_b64": "",
        "ark_ok_group_partial": "partial",
        "ark_error_invalid_size": "InvalidParameter",
        "ark_error_missing_parameter": "MissingParameter",
        "ark_error_sensitive_input_text": "InputTextSensitiveContentDetected",
        "ark_error_sensitive_input_image": "InputImageSensitiveContentDetected",
        "ark_error_sensitive_output": "OutputImageSensitiveContentDetected",
        "ark_error_auth": "AuthenticationError",
        "ark_error_overdue": "AccountOverdueError",
        "ark_error_model_not_found": "InvalidEndpointOrModel.NotFound",
        "ark_error_model_not_open": "ModelNotOpen",
        "ark_error_ipm": "ModelAccountIpmRateLimitExceeded",
        "ark_error_overloaded": "ServerOverloaded",
        "ark_error_set_limit": "SetLimitExceeded",
        "ark_error_quota": "QuotaExceeded",
        "ark_error_internal": "InternalServiceError",
    },
}
CASES = [(call, *each) for call, kinds in ASKED.items() for each in kinds.items()]
# Where something else than the name of the kind brings it, too.
PROMPTS = {"submit_error_param_prompt_too_long": "猫" * 801}
PROMPTS["submit_error_param_area"] = "海边"
GROUP: dict = {"sequential_image_generation": "auto"}
GROUP |= {"sequential_image_generation_options": {"max_images": 3}}
FIELDS = {
    "submit_error_param_area": {"req_key": V40, "width": 1280, "height": 720},
    "ark_ok_b64": {"response_format": "b64_json"},
    "ark_ok_group_partial": GROUP,
}


def skeleton(value: object) -> object:
    """The same with each text and each number replaced by its type."""
    if isinstance(value, dict):
        return {name: skeleton(each) for name, each in value.items()}
    if isinstance(value, list):
        return [skeleton(each) for each in value]
    if isinstance(value, str):
        return "text"
    return value if value is None or isinstance(value, bool) else "number"


def shape_of(body: bytes, content_type: str) -> str:
    """The code, the keys in their order and the types of an answer."""
    if content_type == "text/html":
        return ""
    found = json.loads(body)
    error = found.get("ResponseMetadata", found).get("Error") or found.get("error")
    code = error.get("CodeN", error.get("code")) if error else found.get("code")
    return json.dumps([code, skeleton(found)])


def ask(caller: Caller, call: str, prompt: str, fields: dict):
    if call == "poll":
        return caller.poll(caller.accepted(prompt), **fields)
    return getattr(caller, call)(prompt, **fields)


def check(name: str, reply) -> None:
    wanted = json.loads((SAMPLES / f"{name}.json").read_text("utf-8"))
    text = wanted.get("body_text")
    body = json.dumps(wanted["body"]) if text is None else text
    kind = wanted["headers"]["Content-Type"]
    found = reply.headers["Content-Type"]
    assert (reply.status, found) == (wanted["http_status"], kind), name
    assert shape_of(reply.body, found) == shape_of(body.encode(), kind), name


def test_each_answer_comes_when_asked_for(caller):
    """
    Status, type, keys, types and codes are those of the real one: by words in a prompt,
    or by the control endpoint, whatever the prompt; the next call is as usual.
    """
    for call, name, kind in CASES:
        words = f" [[{'poll ' * (call == 'poll')}{kind}]]" if kind else ""
        prompts = [PROMPTS.get(name, DONE + words)]
        if kind:
            caller.control("faults", [{"action": call, "kind": kind}])
            prompts.insert(0, DONE)
        for prompt in prompts:
            check(name, ask(caller, call, prompt, FIELDS.get(name, {})))
        if call == "ark":
            assert caller.ark().status == 200, name


def test_tasks_that_have_not_ended_and_groups(clock, caller):
    task_id = caller.accepted("[[slow 9]]")
    for name in ("get_in_queue", "get_generating"):
        reply = caller.poll(task_id)
        check(name, reply)
        assert reply.json["data"]["status"] == name.removeprefix("get_")
        clock.now += 3
    caller.control("settings", {"group": 2})
    size = {"width": 1024, "height": 1024}
    task_id = caller.accepted("[[slow 0]]", req_key=V40, **size)
    reply = caller.poll(task_id, req_key=V40, req_json=None)

    check("get_done_base64_two_images", reply)


def test_each_scene_can_be_drawn():
    """With guests, snow and northern lights on top, and with more than one tone."""
    for wanted, _ in SCENES:
        picture = draw(f"{wanted.split()[0]} 猫 狐 雪 极光", 3, 512, 640)
        assert min(ImageStat.Stat(picture).stddev) > 5, wanted
