"""Environment of the engine: where it may write, what it must not report, and Secrets by reference.

In: demand and start-up budget. Out: `env` entries in a fixed order. The environment is not open to tenants: variables
such as `VLLM_SERVER_DEV_MODE`, `LD_PRELOAD` or `PYTHONPATH` would hand over the process.
"""

from inferfleet.api.enums import ModelSource
from inferfleet.api.v1alpha1.metadata import SecretKeyReference
from inferfleet.domain.demand import Demand
from inferfleet.render.manifest import Body
from inferfleet.render.names import MODEL_CACHE_PATH, SCRATCH_PATH

API_KEY_VARIABLE = "VLLM_API_KEY"


def engine_environment(demand: Demand, startup_seconds: int) -> list[Body]:
    """Return the variables of the engine's container.

    `USER` is set because libraries ask for the user's name and the number need not be in the image's user list
    (Python `getpass.getuser` reads it first). The engine gives up on its own start no earlier than the probe does.
    """
    model = demand.spec.model
    values = {
        "HOME": SCRATCH_PATH,
        "USER": "vllm",
        "XDG_CACHE_HOME": f"{SCRATCH_PATH}/cache",
        "XDG_CONFIG_HOME": f"{SCRATCH_PATH}/config",
        "VLLM_CACHE_ROOT": f"{SCRATCH_PATH}/vllm",
        "TORCHINDUCTOR_CACHE_DIR": f"{SCRATCH_PATH}/torchinductor",
        "TRITON_CACHE_DIR": f"{SCRATCH_PATH}/triton",
        "VLLM_ENGINE_READY_TIMEOUT_S": str(startup_seconds),
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }
    if model.source is ModelSource.PERSISTENT_VOLUME_CLAIM:
        values |= {"HF_HOME": f"{SCRATCH_PATH}/huggingface", "HF_HUB_OFFLINE": "1"}
    else:
        values |= {"HF_HOME": f"{MODEL_CACHE_PATH}/huggingface"}
    variables: list[Body] = [{"name": name, "value": value} for name, value in values.items()]
    if model.token_secret_ref is not None:
        variables.append(secret_variable("HF_TOKEN", model.token_secret_ref))
    variables.extend(api_key(demand))
    return variables


def api_key(demand: Demand) -> list[Body]:
    """Return the variable with the API key that clients must send; empty where none is needed."""
    reference = demand.spec.engine.api_key_secret_ref
    return [] if reference is None else [secret_variable(API_KEY_VARIABLE, reference)]


def secret_variable(name: str, reference: SecretKeyReference) -> Body:
    """Return a variable that the kubelet fills from a Secret of the same namespace; nobody else reads it."""
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": reference.name, "key": reference.key}}}
