"""The models, in the list that clients fill their menus with."""

from jimeng import auth
from jimeng.openai import bp, names
from jimeng.openai.described import OpenAIModel, OpenAIModelList
from jimeng.providers import Model

# Every client wants the field, and none looks at it: no model's date is known here.
CREATED = 1_735_689_600  # seconds since 1970


@bp.get("/models", tags=["openai"])
@bp.response(200, OpenAIModelList)
@bp.describe(id="list_openai_models")
def list_models() -> dict:
    """The models that this server offers, as far as the key may ask for them."""
    viewer = auth.viewer_of_api()
    found = [
        record(name, model)
        for name, model in names.listed()
        if viewer.may_use(model.id)
    ]
    return {"object": "list", "data": found}


@bp.get("/models/<path:name>", tags=["openai"])
@bp.response(200, OpenAIModel)
@bp.describe(errors=["model_not_found"], id="get_openai_model")
def get_model(name: str) -> dict:
    """One model, by any of its names."""
    return record(name, names.find(name))


def record(name: str, model: Model) -> dict:
    return {
        "id": name,
        "object": "model",
        "created": CREATED,
        "owned_by": model.provider,
        "jimeng": {
            "model": model.id,
            "sizes": [*model.sizes, *model.keywords],
            "max_images": model.max_images,
        },
    }
