"""
What comes of each known answer of Volcengine: ``tests/data/samples/<name>.json``.

``then`` is what this server does by itself: ``accepted`` (polls begin), ``drawn``,
``poll again``, ``resend``, ``new seed`` (once, unless the caller chose the seed),
``never``, or ``unknown``: never, since it may have been accepted.
"""

from dataclasses import dataclass

VISUAL_ID = "20260314092653C4A8EE10F7D25B6093AA"
GATEWAY_ID = "202603140926535D0C77B1E94420AF8613"
ARK_ID = "021773480413902b7f6d1c0a95e8443f20bd6177c3a9e05d482ff"
OURS = "the id that we gave"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """
    Attributes:
        call: Which call gets the answer: ``submit``, ``poll``, ``process``
            (`CVProcess`), ``ark``.
        code: Ours; None where nothing is wrong.
        charged: What is known about the picture then: ``no``, ``unknown``, ``yes``.
        request_id: The provider's name for the call, `OURS` where it gives none and
            ours is told instead.
        model: That is asked for the picture.
    """

    call: str
    then: str
    code: str | None = None
    provider_code: str | None = None
    charged: str = "no"
    request_id: str | None = VISUAL_ID
    model: str = "doubao-seedream-3.0-t2i"


def submit(code: str, provider_code: str, then: str = "never") -> Outcome:
    return Outcome(call="submit", then=then, code=code, provider_code=provider_code)


def poll(
    then: str,
    code: str | None = None,
    charged: str = "unknown",
    its: str | None = None,
) -> Outcome:
    """*its* is the provider's own code."""
    how = {"code": code, "charged": charged, "provider_code": its}
    return Outcome(call="poll", then=then, **how)


def lost(call: str = "submit", **more) -> Outcome:
    """Nobody knows whether it was accepted."""
    unknown = {"then": "unknown", "code": "submit_unknown", "charged": "unknown"}
    return Outcome(call=call, **{**unknown, **more})


def gateway(code: str, provider_code: str) -> Outcome:
    return Outcome(
        call="submit",
        then="never",
        code=code,
        provider_code=provider_code,
        request_id=GATEWAY_ID,
    )


ARK = {"request_id": ARK_ID, "model": "doubao-seedream-4.0"}
SEEDED = {**ARK, "model": "doubao-seedream-3.0-t2i"}


def ark(code: str, provider_code: str, then: str = "never", **more) -> Outcome:
    told = {**ARK, "provider_code": provider_code, **more}
    return Outcome(call="ark", then=then, code=code, **told)


DRAWN = poll("drawn", charged="yes")
ARK_DRAWN = Outcome(call="ark", then="drawn", charged="yes", **ARK)
PICTURE = "content_refused_picture"

OUTCOMES = {
    "submit_ok": Outcome(call="submit", then="accepted", charged="unknown"),
    "submit_error_pre_img_risk": submit("content_refused_input_image", "50411"),
    "submit_error_pre_img_copyright": submit("input_copyright_refused", "50518"),
    "submit_error_text_risk": submit("content_refused_prompt", "50412"),
    "submit_error_sensitive_words": submit("content_refused_prompt", "50413"),
    "submit_error_qps": submit("rate_limited", "50429", "resend"),
    "submit_error_concurrent": submit("concurrency_limited", "50430", "resend"),
    "submit_error_internal": lost(provider_code="50500"),
    "submit_error_rpc": lost(provider_code="50501"),
    "submit_error_risk_service": submit("moderation_unavailable", "50520"),
    "submit_error_antidirt_service": submit("moderation_unavailable", "50521"),
    "submit_error_image_copyright_service": submit("moderation_unavailable", "50522"),
    "submit_error_input_invalid": submit("input_refused", "50215"),
    "submit_error_param_prompt_too_long": submit("parameter_refused", "50200"),
    "submit_error_param_area": submit("parameter_refused", "50200"),
    "submit_error_access_denied": submit("access_denied", "50400"),
    # Whatever its words say of an internal error.
    "submit_error_access_denied_internal": submit("access_denied", "50400"),
    "get_in_queue": poll("poll again"),
    "get_generating": poll("poll again"),
    "get_unknown_status": poll("poll again"),
    "get_done_urls": DRAWN,
    "get_done_urls_empty_base64_list": DRAWN,
    "get_done_base64": DRAWN,
    "get_done_base64_two_images": DRAWN,  # one was asked for: the first
    "get_done_multi_urls": DRAWN,
    "get_done_but_empty": poll("never", "result_empty"),
    "get_not_found": poll("never", "result_lost"),
    "get_expired": poll("never", "result_lost"),
    "get_invalid_task": poll("never", "result_lost", its="50215"),
    "get_risk_post_img": poll("new seed", PICTURE, "no", "50511"),
    "get_risk_post_img_copyright": poll("new seed", PICTURE, "no", "50519"),
    "get_risk_post_text": poll("never", "content_refused_prompt", "no", "50413"),
    "get_risk_output_text": poll(
        "never", "content_refused_picture_text", "no", "50512"
    ),
    "get_error_qps": poll("poll again", "rate_limited", its="50429"),
    "get_error_internal": poll("poll again", "provider_internal", its="50500"),
    "cvprocess_v21_ok": Outcome(
        call="process", then="drawn", charged="yes", model="jimeng-2.1"
    ),
    # Callbacks are never asked for. Were one the answer to a submission: it has no
    # task id in its data, so who knows; and the refusal is read as any other.
    "callback_ok": lost(),
    "callback_error": submit("input_refused", "50215"),
    "gateway_missing_request_info": gateway("request_refused", "100004"),
    "gateway_invalid_action": gateway("request_refused", "100008"),
    "gateway_missing_token": gateway("credentials_invalid", "100003"),
    "gateway_missing_signature": gateway("credentials_invalid", "100005"),
    "gateway_invalid_access_key": gateway("credentials_invalid", "100009"),
    "gateway_signature_mismatch": gateway("credentials_invalid", "100010"),
    "gateway_invalid_timestamp": gateway("clock_wrong", "100006"),
    "gateway_access_denied": gateway("permission_missing", "100013"),
    "gateway_internal_error": lost(provider_code="100014", request_id=GATEWAY_ID),
    "gateway_html_502": lost(request_id=None),
    "ark_ok_url": ARK_DRAWN,
    "ark_ok_url_3_0": Outcome(call="ark", then="drawn", charged="yes", **SEEDED),
    "ark_ok_b64": ARK_DRAWN,
    "ark_ok_group_partial": ARK_DRAWN,  # groups are never asked for: the first
    # Nor are streams, and a stream is not the JSON that was asked for.
    "ark_stream_events": lost("ark", **{**ARK, "request_id": OURS}),
    "ark_stream_error_event": lost("ark", **{**ARK, "request_id": OURS}),
    "ark_error_invalid_size": ark("parameter_refused", "InvalidParameter"),
    "ark_error_missing_parameter": ark("parameter_refused", "MissingParameter"),
    "ark_error_image_download": ark("input_refused", "InvalidParameter"),
    "ark_error_sensitive_input_text": ark(
        "content_refused_prompt", "InputTextSensitiveContentDetected"
    ),
    "ark_error_sensitive_input_image": ark(
        "content_refused_input_image", "InputImageSensitiveContentDetected"
    ),
    # A model that takes no seed is not asked again: it would be the same once more.
    "ark_error_sensitive_output": ark(
        PICTURE, "OutputImageSensitiveContentDetected", "new seed", **SEEDED
    ),
    "ark_error_auth": ark("credentials_invalid", "AuthenticationError"),
    "ark_error_overdue": ark("account_overdue", "AccountOverdueError"),
    "ark_error_model_not_found": ark(
        "model_not_found", "InvalidEndpointOrModel.NotFound"
    ),
    "ark_error_model_not_open": ark("access_denied", "ModelNotOpen"),
    "ark_error_ipm": ark("rate_limited", "ModelAccountIpmRateLimitExceeded", "resend"),
    "ark_error_overloaded": ark("rate_limited", "ServerOverloaded", "resend"),
    # Of Ark's 429s these two do not pass by waiting.
    "ark_error_set_limit": ark("quota_exhausted", "SetLimitExceeded"),
    "ark_error_quota": ark("quota_exhausted", "QuotaExceeded"),
    "ark_error_internal": lost("ark", provider_code="InternalServiceError", **ARK),
}
