"""``/v1/models``: the models that clients show in their menus."""

from jimeng.http import auth
from jimeng.openai import bp, model_names
from jimeng.openai.openapi import OpenAIModel, OpenAIModelList
from jimeng.providers import Model

# Clients require the field and ignore it; the models' dates are not known here.
CREATED = 1_735_689_600  # seconds since 1970


@bp.get("/models", tags=["openai"])
@bp.response(200, OpenAIModelList)
@bp.doc(operationId="list_openai_models")
def list_models() -> dict:
    """List the models that this key may use (compatible with OpenAI)."""
    principal = auth.principal_of_api()
    found = [
        record(name, model)
        for name, model in model_names.list_names()
        if principal.may_use(model.id)
    ]
    return {"object": "list", "data": found}


@bp.get("/models/<path:name>", tags=["openai"])
@bp.response(200, OpenAIModel)
@bp.doc(operationId="get_openai_model")
@bp.describe(errors=["model_not_found"])
def get_model(name: str) -> dict:
    """Get a model by any of its names (compatible with OpenAI)."""
    return record(name, model_names.find(name, makes=None))


def record(name: str, model: Model) -> dict:
    return {
        "id": name,
        "object": "model",
        "created": CREATED,
        "owned_by": model.provider,
        "jimeng": {
            "model": model.id,
            "makes": model.makes,
            "sizes": [*model.sizes, *model.keywords],
            "max_images": model.max_images,
        },
    }
