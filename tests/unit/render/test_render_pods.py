"""Pods: where they run, what they may do, what they ask for, how they start and end."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from inferfleet.api.enums import CapacityType, WorkloadClass
from inferfleet.catalog.spot_nodes import SPOT_LABELS
from inferfleet.domain.memory import GIB
from inferfleet.domain.world import Toleration
from inferfleet.render.probes import shutdown, startup_seconds
from inferfleet.render.resources import engine_resources, worker_resources
from tests.builders import BATCH, demand
from tests.golden.cases import CASES, CHAT, L40S, L40S_SPOT, MI300X, SUMMARIES, placement
from tests.unit.render.support import engine, pod, rendered

EVERY_CASE = pytest.mark.parametrize("name", CASES)


def manifests_of(name: str) -> Any:
    situation = CASES[name]
    return rendered(
        situation.demand, *((where, situation.pools[where.pool]) for where in situation.decision.placements)
    )


def expressions(manifests: Any) -> dict[str, dict[str, Any]]:
    affinity = pod(manifests)["affinity"]["nodeAffinity"]
    (term,) = affinity["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    return {expression["key"]: expression for expression in term["matchExpressions"]}


def variables(container: dict[str, Any]) -> dict[str, Any]:
    return {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in container["env"]}


class TestPlaceOnNodes:
    def test_the_provisioners_labels_are_required(self) -> None:
        found = expressions(rendered(CHAT, (placement(L40S), L40S)))
        assert found["karpenter.sh/nodepool"]["values"] == ["l40s-od"]

    @pytest.mark.parametrize(("key", "values"), SPOT_LABELS)
    def test_every_known_mark_of_spot_is_excluded(self, key: str, values: tuple[str, ...]) -> None:
        found = expressions(rendered(CHAT, (placement(L40S), L40S)))[key]
        assert (found["operator"], found["values"]) == ("NotIn", list(values))

    def test_a_capacity_label_of_the_pool_itself_is_not_said_twice(self) -> None:
        pool = replace(L40S, node_selector=(("karpenter.sh/capacity-type", "on-demand"),))
        found = expressions(rendered(CHAT, (placement(pool), pool)))["karpenter.sh/capacity-type"]
        assert found["operator"] == "In"

    def test_work_on_spot_may_find_spot_nodes(self) -> None:
        assert set(expressions(rendered(SUMMARIES, (placement(L40S_SPOT), L40S_SPOT)))) == {"karpenter.sh/nodepool"}

    def test_pods_keep_off_what_tells_nodes_with_other_gpus_apart(self) -> None:
        pool = replace(L40S, avoided=(("nvidia.com/gpu.sharing-strategy", ("time-slicing",)),))
        found = expressions(rendered(CHAT, (placement(pool), pool)))["nvidia.com/gpu.sharing-strategy"]
        assert (found["operator"], found["values"]) == ("NotIn", ["time-slicing"])

    def test_the_gpu_taint_is_tolerated_also_where_the_pool_declares_none(self) -> None:
        pool = replace(L40S, tolerations=())
        assert {"key": "nvidia.com/gpu", "operator": "Exists"} in pod(rendered(CHAT, (placement(pool), pool)))[
            "tolerations"
        ]

    def test_declared_tolerations_are_copied_field_by_field(self) -> None:
        pool = replace(L40S, tolerations=(Toleration(key="sku", value="gpu", effect="NoSchedule"),))
        expected = {"key": "sku", "operator": "Equal", "value": "gpu", "effect": "NoSchedule"}
        assert expected in pod(rendered(CHAT, (placement(pool), pool)))["tolerations"]

    def test_work_on_spot_leaves_a_dead_node_after_half_a_minute(self) -> None:
        found = pod(rendered(SUMMARIES, (placement(L40S_SPOT), L40S_SPOT)))["tolerations"]
        assert {entry["tolerationSeconds"] for entry in found if "node.kubernetes.io" in entry["key"]} == {30}

    def test_a_second_replica_does_not_change_the_pod_template(self) -> None:
        one, two = (rendered(CHAT, (placement(L40S, replicas=count), L40S)) for count in (1, 2))
        assert one[0].body["spec"]["template"] == two[0].body["spec"]["template"]


class TestRights:
    @EVERY_CASE
    def test_pods_are_not_root_and_have_no_token_and_no_service_links(self, name: str) -> None:
        spec = pod(manifests_of(name))
        assert spec["securityContext"]["runAsNonRoot"]
        assert spec["securityContext"]["runAsUser"] > 0
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["automountServiceAccountToken"] is False
        assert spec["enableServiceLinks"] is False

    @EVERY_CASE
    def test_containers_gain_no_rights(self, name: str) -> None:
        spec = pod(manifests_of(name))
        for container in [*spec.get("initContainers", ()), *spec["containers"]]:
            assert container["securityContext"]["allowPrivilegeEscalation"] is False
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}

    def test_tokens_and_keys_are_named_and_never_held(self) -> None:
        secret = {"name": "s", "key": "k"}
        of = demand(model={"tokenSecretRef": secret}, engine={"apiKeySecretRef": secret})
        found = variables(engine(rendered(of, (placement(L40S), L40S))))
        assert found["HF_TOKEN"] == found["VLLM_API_KEY"] == {"secretKeyRef": secret}

    def test_the_worker_knows_the_api_key_that_the_engine_demands(self) -> None:
        of = demand(base=BATCH, engine={"apiKeySecretRef": {"name": "s", "key": "k"}})
        (worker,) = pod(rendered(of, (placement(L40S), L40S)))["containers"]
        assert "--api-key-env=VLLM_API_KEY" in worker["args"]
        assert "VLLM_API_KEY" in variables(worker)

    def test_amd_devices_belong_to_a_group_of_the_pod(self) -> None:
        assert pod(rendered(CHAT, (placement(MI300X), MI300X)))["securityContext"]["supplementalGroups"] == [44]


class TestVolumes:
    @EVERY_CASE
    def test_every_mount_has_its_volume_and_every_volume_a_mount(self, name: str) -> None:
        spec = pod(manifests_of(name))
        containers = [*spec.get("initContainers", ()), *spec["containers"]]
        mounted = {mount["name"] for container in containers for mount in container["volumeMounts"]}
        assert mounted == {volume["name"] for volume in spec["volumes"]}

    @EVERY_CASE
    def test_the_engine_writes_only_where_a_volume_is(self, name: str) -> None:
        container = engine(manifests_of(name))
        found, mounts = variables(container), {mount["mountPath"] for mount in container["volumeMounts"]}
        written = [found[key] for key in ("HOME", "HF_HOME", "VLLM_CACHE_ROOT", "XDG_CACHE_HOME", "TRITON_CACHE_DIR")]
        assert all(any(path == mount or path.startswith(f"{mount}/") for mount in mounts) for path in written)

    def test_weights_in_a_volume_are_read_only_and_the_hub_is_never_asked(self) -> None:
        of = demand(model={"source": "PersistentVolumeClaim", "claimName": "weights"})
        manifests = rendered(of, (placement(L40S), L40S))
        assert {"name": "models", "mountPath": "/models", "readOnly": True} in engine(manifests)["volumeMounts"]
        assert variables(engine(manifests))["HF_HUB_OFFLINE"] == "1"

    def test_one_claim_for_input_and_output_is_one_volume_with_the_input_read_only(self) -> None:
        spec = pod(rendered(SUMMARIES, (placement(L40S), L40S)))
        assert len([volume for volume in spec["volumes"] if "persistentVolumeClaim" in volume]) == 1
        mounts = {mount["mountPath"]: mount for mount in spec["containers"][0]["volumeMounts"]}
        assert mounts["/batch/input"]["readOnly"]
        assert mounts["/batch/input"]["name"] == mounts["/batch/output"]["name"]

    def test_two_claims_are_two_volumes(self) -> None:
        of = demand(base=BATCH, batch={"output": {"persistentVolumeClaim": {"claimName": "results"}}})
        spec = pod(rendered(of, (placement(L40S), L40S)))
        claims = [volume["persistentVolumeClaim"] for volume in spec["volumes"] if "persistentVolumeClaim" in volume]
        assert [claim["claimName"] for claim in claims] == ["prompts", "results"]

    def test_results_in_a_folder_are_named_after_the_deployment(self) -> None:
        of = demand("nightly", base=BATCH, batch={"output": {"persistentVolumeClaim": {"path": "out/"}}})
        (worker,) = pod(rendered(of, (placement(L40S), L40S)))["containers"]
        assert "--output=/batch/output/out/nightly.jsonl" in worker["args"]


class TestResources:
    @pytest.mark.parametrize("gpus", [1, 2, 4])
    @pytest.mark.parametrize("with_worker", [False, True])
    @pytest.mark.parametrize(("cpu", "memory"), [(Decimal("3.92"), 14 * GIB), (Decimal(44), 340 * GIB)])
    def test_a_node_full_of_pods_still_has_room_for_daemon_sets(
        self, gpus: int, with_worker: bool, cpu: Decimal, memory: int
    ) -> None:
        pool = replace(L40S, node_cpu=cpu, node_memory_bytes=memory)
        pods = pool.gpus_per_node // gpus
        requests = [engine_resources(pool, gpus, with_worker=with_worker)["requests"]]
        requests += [worker_resources()["requests"]] if with_worker else []
        millicpu = sum(int(request["cpu"].removesuffix("m")) for request in requests)
        mebibytes = sum(int(request["memory"].removesuffix("Mi")) for request in requests)
        assert pods * millicpu <= int(cpu * 1000) - 500
        assert pods * mebibytes <= memory // 1024**2 - 1024

    def test_gpus_stand_in_requests_and_limits_alike(self) -> None:
        found = engine(rendered(CHAT, (placement(L40S, gpus=2), L40S)))["resources"]
        assert found["requests"]["nvidia.com/gpu"] == found["limits"]["nvidia.com/gpu"] == "2"

    def test_an_unknown_node_is_asked_for_little_and_memory_is_not_limited(self) -> None:
        pool = replace(L40S, node_cpu=None, node_memory_bytes=None)
        found = engine_resources(pool, 2, with_worker=False)
        assert (found["requests"]["cpu"], found["requests"]["memory"]) == ("4000m", "16384Mi")
        assert "memory" not in found["limits"]

    def test_shared_memory_is_bounded_and_fits_the_memory_limit(self) -> None:
        pool = replace(L40S, gpus_per_node=1, node_memory_bytes=8 * GIB)
        (shared,) = [
            volume
            for volume in pod(rendered(CHAT, (placement(pool), pool)))["volumes"]
            if volume["name"] == "shared-memory"
        ]
        limit = engine_resources(pool, 1, with_worker=False)["limits"]["memory"]
        size = int(shared["emptyDir"]["sizeLimit"].removesuffix("Mi"))
        assert 0 < size <= int(limit.removesuffix("Mi")) // 4


class TestStartAndEnd:
    @pytest.mark.parametrize(
        ("load_bytes", "seconds"),
        [(None, 1800), (0, 600), (16 * 10**9, 600), (140 * 10**9, 1800), (10**13, 14400)],
    )
    def test_the_start_may_take_as_long_as_the_weights_need(self, load_bytes: int | None, seconds: int) -> None:
        assert startup_seconds(load_bytes) == seconds

    @EVERY_CASE
    def test_the_engine_does_not_give_up_before_the_probe(self, name: str) -> None:
        container = engine(manifests_of(name))
        probe = container["startupProbe"]
        assert (
            int(variables(container)["VLLM_ENGINE_READY_TIMEOUT_S"])
            == probe["periodSeconds"] * probe["failureThreshold"]
        )

    def test_a_rollout_is_given_up_only_after_the_start_could_have_ended(self) -> None:
        (deployment, *_) = rendered(CHAT, (placement(L40S), L40S))
        probe = engine((deployment,))["startupProbe"]
        assert deployment.body["spec"]["progressDeadlineSeconds"] > probe["periodSeconds"] * probe["failureThreshold"]

    def test_liveness_is_patient_because_a_restart_costs_a_model_load(self) -> None:
        container = engine(rendered(CHAT, (placement(L40S), L40S)))
        live, ready = container["livenessProbe"], container["readinessProbe"]
        assert (live["timeoutSeconds"], live["failureThreshold"]) == (15, 10)
        assert (ready["timeoutSeconds"], ready["failureThreshold"]) == (5, 3)

    @pytest.mark.parametrize("workload_class", WorkloadClass)
    @pytest.mark.parametrize("capacity_type", CapacityType)
    def test_the_grace_period_holds_all_that_happens_in_it(
        self, workload_class: WorkloadClass, capacity_type: CapacityType
    ) -> None:
        timing = shutdown(workload_class, capacity_type)
        assert timing.grace > timing.pre_stop + timing.drain

    @pytest.mark.parametrize("workload_class", WorkloadClass)
    def test_spot_pods_are_gone_within_the_shortest_notice(self, workload_class: WorkloadClass) -> None:
        assert shutdown(workload_class, CapacityType.SPOT).grace <= 25
