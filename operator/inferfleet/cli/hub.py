"""The model hub for the command line: asked at once, once per model, with the operator's settings.

In: a model id and revision. Out: a model or an unknown one that says what to do. The operator asks in the background
instead (`inferfleet.observe.hub_cache`); both read the answer with the same function.
"""

from functools import cache

import pydantic

from inferfleet.cli.exit import BadInput
from inferfleet.domain.model import Model, UnknownModel
from inferfleet.observe.catalog import HubLookup
from inferfleet.observe.hub import REMEDY, HubAccess, Unreachable, look_up
from inferfleet.settings import Settings


def hub_models() -> HubLookup:
    """Return a look-up on the hub of INFERFLEET_HF_ENDPOINT with INFERFLEET_HF_TOKEN. Raises `BadInput`."""
    try:
        settings = Settings()
    except pydantic.ValidationError as error:
        names = ", ".join("INFERFLEET_" + "_".join(map(str, detail["loc"])).upper() for detail in error.errors())
        raise BadInput(f"{names}: cannot be read") from error
    token = settings.hf_token.get_secret_value() if settings.hf_token else None
    access = HubAccess(endpoint=settings.hf_endpoint, token=token)

    @cache
    def find(model_id: str, revision: str) -> Model | UnknownModel:
        answer = look_up(access, model_id, revision)
        if isinstance(answer, Unreachable):
            return UnknownModel(id=model_id, message=f"{answer.message}; {REMEDY}")
        return answer

    return find
