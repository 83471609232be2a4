"""Which objects a decision becomes, how they belong together, and which decisions are not written."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from inferfleet.api.enums import CapacityType
from inferfleet.domain.children import HASH_ANNOTATION
from inferfleet.domain.exit_codes import BAD_INPUT
from inferfleet.domain.naming import child_name
from inferfleet.render import Manifest, RenderError, render
from tests.builders import BATCH, demand
from tests.golden.cases import CASES, CHAT, FACTS, H100, L40S, L40S_SPOT, MI300X, SUMMARIES, case, decision, placement
from tests.unit.render.support import engine, of_kind, only, pod, rendered

CREATED = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SPOT_ALLOWED = demand("chat", placement={"spotPolicy": "Allowed"})


def kinds(manifests: Any) -> list[str]:
    return [manifest.kind for manifest in manifests]


class TestObjects:
    def test_one_replica_has_no_disruption_budget(self) -> None:
        assert kinds(rendered(CHAT, (placement(L40S), L40S))) == ["Deployment", "Service"]

    def test_two_replicas_have_one(self) -> None:
        manifests = rendered(CHAT, (placement(L40S, replicas=2), L40S))
        assert kinds(manifests) == ["Deployment", "Service", "PodDisruptionBudget"]
        spec = only(manifests, "PodDisruptionBudget")["spec"]
        assert (spec["maxUnavailable"], spec["unhealthyPodEvictionPolicy"]) == (1, "AlwaysAllow")

    def test_a_batch_is_a_job_alone(self) -> None:
        assert kinds(rendered(SUMMARIES, (placement(L40S_SPOT), L40S_SPOT))) == ["Job"]

    def test_nothing_placed_is_nothing_rendered(self) -> None:
        assert rendered(CHAT) == ()

    def test_a_suspended_deployment_keeps_its_address(self) -> None:
        assert kinds(rendered(CHAT, suspended=True)) == ["Service"]

    def test_two_placements_are_two_deployments_behind_one_service(self) -> None:
        overflow = placement(L40S_SPOT, first=False)
        manifests = rendered(SPOT_ALLOWED, (placement(L40S), L40S), (overflow, L40S_SPOT))
        assert [found.name for found in of_kind(manifests, "Deployment")] == ["chat", overflow.name]
        assert only(manifests, "Service")["spec"]["selector"] == {"inferfleet.dev/deployment": "chat"}

    def test_deployments_do_not_select_each_others_pods(self) -> None:
        manifests = rendered(SPOT_ALLOWED, (placement(L40S), L40S), (placement(L40S_SPOT, first=False), L40S_SPOT))
        first, second = (found.body["spec"]["selector"]["matchLabels"] for found in of_kind(manifests, "Deployment"))
        assert first != second

    def test_the_service_leads_from_port_80_to_the_engines_port(self) -> None:
        manifests = rendered(CHAT, (placement(L40S), L40S))
        (port,) = only(manifests, "Service")["spec"]["ports"]
        assert (port["name"], port["port"]) == ("http", 80)
        assert {"name": port["targetPort"], "containerPort": 8000, "protocol": "TCP"} in engine(manifests)["ports"]

    @pytest.mark.parametrize("name", CASES)
    def test_every_child_belongs_to_its_owner_and_carries_its_label(self, name: str) -> None:
        situation = CASES[name]
        for manifest in render(situation.demand, situation.decision, situation.pools, situation.facts):
            metadata = manifest.body["metadata"]
            (owner,) = metadata["ownerReferences"]
            assert (owner["uid"], owner["controller"], owner["blockOwnerDeletion"]) == (
                situation.demand.uid,
                True,
                True,
            )
            assert metadata["labels"]["inferfleet.dev/deployment"] == situation.demand.name

    def test_pods_are_replaced_one_at_a_time_without_a_gpu_more(self) -> None:
        rolling = only(rendered(CHAT, (placement(L40S), L40S)), "Deployment")["spec"]["strategy"]["rollingUpdate"]
        assert rolling == {"maxSurge": 0, "maxUnavailable": 1}

    def test_amd_pools_get_the_rocm_image(self) -> None:
        container = engine(rendered(CHAT, (placement(MI300X), MI300X)))
        assert container["image"] == "vllm/vllm-openai-rocm:v0.32.0"
        assert container["resources"]["limits"]["amd.com/gpu"] == "1"


class TestJob:
    def spec(self, **change: Any) -> dict[str, Any]:
        found: dict[str, Any] = only(rendered(demand("b", base=BATCH, **change), (placement(L40S), L40S)), "Job")[
            "spec"
        ]
        return found

    def test_interruptions_are_ignored_and_bad_input_is_final(self) -> None:
        ignore, fail = self.spec()["podFailurePolicy"]["rules"]
        assert (ignore["action"], ignore["onPodConditions"][0]["type"]) == ("Ignore", "DisruptionTarget")
        assert (fail["action"], fail["onExitCodes"]["values"]) == ("FailJob", [BAD_INPUT])

    def test_the_engine_is_a_sidecar_that_the_worker_waits_for(self) -> None:
        spec = self.spec()["template"]["spec"]
        (sidecar,) = spec["initContainers"]
        assert (sidecar["name"], sidecar["restartPolicy"], "startupProbe" in sidecar) == ("engine", "Always", True)
        assert spec["restartPolicy"] == "Never"

    def test_the_deadline_is_that_of_the_spec(self) -> None:
        assert self.spec()["activeDeadlineSeconds"] == 28800

    def test_time_spent_waiting_is_taken_off_the_deadline(self) -> None:
        assert self.started_after(hours=3)[0].body["spec"]["activeDeadlineSeconds"] == 28800 - 3 * 3600

    def test_a_job_that_starts_too_late_ends_at_once(self) -> None:
        assert self.started_after(hours=9)[0].body["spec"]["activeDeadlineSeconds"] == 1

    def test_time_passing_does_not_replace_a_running_job(self) -> None:
        (early,), (late,) = self.started_after(hours=1), self.started_after(hours=2)
        assert early.content_hash == late.content_hash

    def started_after(self, *, hours: int) -> tuple[Manifest, ...]:
        batch = replace(SUMMARIES, created=CREATED)
        facts = replace(FACTS, now=CREATED + timedelta(hours=hours))
        found: tuple[Manifest, ...] = rendered(batch, (placement(L40S), L40S), facts=facts)
        return found

    def test_without_a_deadline_there_is_none(self) -> None:
        assert "activeDeadlineSeconds" not in self.spec(batch={"deadlineSeconds": None})

    def test_a_finished_job_stays_for_its_owners_status(self) -> None:
        assert "ttlSecondsAfterFinished" not in self.spec()

    def test_two_pods_never_write_the_same_results(self) -> None:
        spec = self.spec()
        assert (spec["podReplacementPolicy"], spec["completions"], spec["parallelism"]) == ("Failed", 1, 1)

    def test_the_worker_ends_before_the_grace_period_does(self) -> None:
        spec = self.spec()["template"]["spec"]
        (drain,) = [argument for argument in spec["containers"][0]["args"] if argument.startswith("--drain-seconds=")]
        assert int(drain.partition("=")[2]) < spec["terminationGracePeriodSeconds"]

    def test_a_job_cannot_be_changed_in_place(self) -> None:
        (job,) = rendered(SUMMARIES, (placement(L40S), L40S))
        assert job.immutable

    def test_a_new_operator_version_does_not_replace_a_running_job(self) -> None:
        newer = replace(FACTS, worker_image="example.org/inferfleet/inferfleet:0.2.0")
        (old,), (new,) = (rendered(SUMMARIES, (placement(L40S), L40S), facts=facts) for facts in (FACTS, newer))
        assert old.content_hash == new.content_hash

    @pytest.mark.parametrize(
        "change",
        [
            {"batch": {"deadlineSeconds": 3600}},
            {"batch": {"input": {"persistentVolumeClaim": {"path": "other.jsonl"}}}},
            {"engine": {"image": "acme/vllm:1", "version": "0.32.0"}},
            {"model": {"revision": "v2"}},
        ],
    )
    def test_another_wish_is_another_job(self, change: dict[str, Any]) -> None:
        (old,), (new,) = (
            rendered(of, (placement(L40S), L40S)) for of in (SUMMARIES, demand("summaries", base=BATCH, **change))
        )
        assert old.content_hash != new.content_hash

    def test_another_placement_is_another_job(self) -> None:
        (old,), (new,) = (
            rendered(SUMMARIES, (where, L40S)) for where in (placement(L40S), placement(L40S, max_num_seqs=64))
        )
        assert old.content_hash != new.content_hash

    def test_secrets_of_input_and_output_are_only_named(self) -> None:
        change = {"input": {"persistentVolumeClaim": None, "urlSecretRef": {"name": "signed", "key": "in"}}}
        (worker,) = self.spec(batch=change)["template"]["spec"]["containers"]
        assert "--input=env:BATCH_INPUT_URL" in worker["args"]
        entry = {"name": "BATCH_INPUT_URL", "valueFrom": {"secretKeyRef": {"name": "signed", "key": "in"}}}
        assert entry in worker["env"]


class TestContent:
    @pytest.mark.parametrize("name", CASES)
    def test_bodies_are_plain_json(self, name: str) -> None:
        situation = CASES[name]
        for manifest in render(situation.demand, situation.decision, situation.pools, situation.facts):
            assert_plain(manifest.body)

    def test_the_same_decision_gives_the_same_bytes(self) -> None:
        first, second = (rendered(CHAT, (placement(L40S, replicas=2), L40S)) for _ in range(2))
        assert [json.dumps(found.body) for found in first] == [json.dumps(found.body) for found in second]

    def test_the_hash_is_on_the_object_and_changes_with_its_content(self) -> None:
        one, two = (rendered(CHAT, (placement(L40S, replicas=count), L40S))[0] for count in (1, 3))
        assert one.body["metadata"]["annotations"][HASH_ANNOTATION] == one.content_hash
        assert one.content_hash != two.content_hash

    def test_the_hash_is_not_in_the_pod_template(self) -> None:
        assert HASH_ANNOTATION not in json.dumps(pod(rendered(CHAT, (placement(L40S), L40S))))


def assert_plain(value: object) -> None:
    assert type(value) in {dict, list, str, int, bool}, repr(value)
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        assert_plain(inner)


class TestRefusals:
    def test_real_time_work_never_lands_on_spot_by_mistake(self) -> None:
        with pytest.raises(RenderError, match="spot policy is Never"):
            rendered(CHAT, (placement(L40S_SPOT), L40S_SPOT))

    def test_an_unknown_pool_is_named(self) -> None:
        with pytest.raises(RenderError, match="pool 'l40s-od' does not exist"):
            render(CHAT, decision(CHAT, placement(L40S)), {}, FACTS)

    def test_a_pool_that_changed_its_capacity_type_is_not_used_under_the_old_one(self) -> None:
        changed = replace(L40S, capacity_type=CapacityType.SPOT)
        with pytest.raises(RenderError, match="is Spot"):
            rendered(SPOT_ALLOWED, (placement(L40S), changed))

    def test_a_pool_without_labels_would_select_every_node(self) -> None:
        with pytest.raises(RenderError, match="nodeSelector is empty"):
            rendered(CHAT, (placement(L40S), replace(L40S, node_selector=())))

    def test_two_placements_need_two_names(self) -> None:
        situation = case(CHAT, (placement(L40S), L40S), (placement(H100), H100))
        with pytest.raises(RenderError, match="same name"):
            render(situation.demand, situation.decision, situation.pools, FACTS)


class TestNames:
    def test_the_first_placement_has_the_owners_name(self) -> None:
        assert child_name("chat", gpu_type="g", pool="p", capacity_type=CapacityType.SPOT, first=True) == "chat"

    def test_further_names_tell_type_pool_and_capacity_apart(self) -> None:
        names = {
            child_name("chat", gpu_type=gpu, pool=pool, capacity_type=capacity, first=False)
            for gpu in ("a", "b")
            for pool in ("p", "q")
            for capacity in CapacityType
        }
        assert len(names) == 12

    def test_the_longest_name_leaves_room_for_a_pods_suffix(self) -> None:
        name = child_name("n" * 45, gpu_type="g", pool="p", capacity_type=CapacityType.SPOT, first=False)
        assert len(name) + len("-abcde") <= 63
