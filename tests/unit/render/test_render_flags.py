"""Rendered flags against the facts captured from vLLM 0.32.0."""

import pytest

from inferfleet.catalog.engine_flags import Resolved, ValueKind, flag_table
from inferfleet.domain.model import UnknownModel
from inferfleet.render import RenderError
from tests.builders import demand
from tests.golden.cases import CASES, CHAT, H100, L40S, placement
from tests.unit.render.support import engine, flags, rendered

DECIDING = {
    "--tensor-parallel-size": "4",
    "--max-model-len": "8192",
    "--max-num-seqs": "256",
    "--max-num-batched-tokens": "8192",
    "--gpu-memory-utilization": "0.9",
    "--dtype": "bfloat16",
    "--kv-cache-dtype": "auto",
    "--served-model-name": "meta-llama/Llama-3.1-8B-Instruct",
    "--revision": "main",
    "--shutdown-timeout": "120",
    "--port": "8000",
}


@pytest.mark.parametrize("name", CASES)
def test_every_rendered_flag_exists_in_vllm_and_accepts_its_value(name: str) -> None:
    table = flag_table("0.32.0")
    assert table is not None
    situation = CASES[name]
    manifests = rendered(
        situation.demand, *((where, situation.pools[where.pool]) for where in situation.decision.placements)
    )
    for argument in engine(manifests)["args"][1:]:
        option, equals, value = argument.partition("=")
        found = table.resolve(option)
        assert isinstance(found, Resolved), argument
        assert found.option == option, "written in full"
        assert bool(equals) == (found.flag.value is not ValueKind.SWITCH), argument
        assert not equals or found.flag.problem(value) is None, argument


def test_every_flag_that_the_decision_depends_on_is_written_out() -> None:
    assert flags(rendered(CHAT, (placement(H100, gpus=4), H100))) == DECIDING


def test_the_model_stands_first_without_a_flag() -> None:
    assert engine(rendered(CHAT, (placement(L40S), L40S)))["args"][0] == "meta-llama/Llama-3.1-8B-Instruct"


def test_quantization_is_written_only_when_the_engine_does_it() -> None:
    assert "--quantization" not in flags(rendered(CHAT, (placement(L40S), L40S)))
    assert flags(rendered(CHAT, (placement(L40S, quantization="fp8"), L40S)))["--quantization"] == "fp8"


def test_switches_appear_when_the_settings_ask_for_them() -> None:
    found = flags(rendered(CHAT, (placement(L40S, enforce_eager=True, expert_parallel=True), L40S)))
    assert {"--enforce-eager", "--enable-expert-parallel"} <= set(found)


@pytest.mark.parametrize(("version", "known"), [("0.17.1", False), ("0.18.0", True), ("0.33.0", True)])
def test_an_engine_that_cannot_drain_is_not_told_to(version: str, known: bool) -> None:
    assert ("--shutdown-timeout" in flags(rendered(CHAT, (placement(L40S, version=version), L40S)))) is known


def test_weights_in_a_volume_are_served_under_the_models_name() -> None:
    of = demand(model={"source": "PersistentVolumeClaim", "claimName": "weights", "path": "llama/8b"})
    manifests = rendered(of, (placement(L40S), L40S))
    assert engine(manifests)["args"][0] == "/models/llama/8b"
    assert flags(manifests)["--served-model-name"] == "meta-llama/Llama-3.1-8B-Instruct"
    assert "--revision" not in flags(manifests)


@pytest.mark.parametrize("name", ["-tp/8", "../secrets", "./x"])
def test_a_model_name_that_reads_as_flag_or_path_is_refused(name: str) -> None:
    of = demand()
    sly = type(of)(
        uid=of.uid, namespace=of.namespace, name=of.name, spec=of.spec, model=UnknownModel(id=name, message="")
    )
    with pytest.raises(RenderError, match=r"spec\.model\.id"):
        rendered(sly, (placement(L40S), L40S))


def test_extra_arguments_come_last_and_plainly_spelt() -> None:
    of = demand(engine={"extraArgs": ["--enable_prefix_caching", "--seed", "7"]})
    assert engine(rendered(of, (placement(L40S), L40S)))["args"][-2:] == ["--enable-prefix-caching", "--seed=7"]


def test_an_owned_flag_is_never_rendered_even_if_the_plan_let_it_pass() -> None:
    of = demand(engine={"extraArgs": ["-tp", "8"]})
    with pytest.raises(RenderError, match="--tensor-parallel-size"):
        rendered(of, (placement(L40S), L40S))
