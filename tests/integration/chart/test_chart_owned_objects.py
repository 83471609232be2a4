"""The policy `protectOwnedObjects`: only the operator and Kubernetes' controllers change what the operator made."""

import pytest

from tests.controlplane.objects import Manifest
from tests.controlplane.waiting import eventually
from tests.integration.chart.tenancy import LABEL, TEAM, Actors, child, inference_deployment, refused, workload


def test_the_expressions_are_free_of_type_warnings(actors: Actors) -> None:
    def checked() -> list[Manifest]:
        policies = actors.platform.list("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy")
        assert len(policies) == 2
        assert all(policy.get("status", {}).get("observedGeneration") for policy in policies)
        return policies

    warnings = [policy["status"].get("typeChecking") for policy in eventually(checked, 30)]
    assert not any(warning for warning in warnings if warning)


def test_the_operator_and_kubernetes_controllers_bring_a_child_to_life(chat: Manifest) -> None:
    assert chat["status"]["readyReplicas"] == 1


def test_a_tenant_cannot_scale_a_child_and_is_told_what_to_scale(actors: Actors, chat: Manifest) -> None:
    more = {"spec": {"replicas": 5}}
    message = refused(
        lambda: actors.tenant.patch("apps/v1", "Deployment", "chat", TEAM, patch=more, subresource="scale")
    )
    assert "deployments chat: change the InferenceDeployment" in message


@pytest.mark.parametrize(
    "patch",
    [
        {"spec": {"replicas": 5}},
        {"metadata": {"labels": {"inferfleet.dev/deployment": "other"}}},
        {"metadata": {"ownerReferences": []}},
    ],
)
def test_a_tenant_cannot_edit_a_child(actors: Actors, chat: Manifest, patch: Manifest) -> None:
    assert refused(lambda: actors.tenant.patch("apps/v1", "Deployment", "chat", TEAM, patch=patch))


def test_a_tenant_cannot_delete_a_child(actors: Actors, chat: Manifest) -> None:
    assert refused(lambda: actors.tenant.delete("apps/v1", "Deployment", "chat", TEAM))


def test_a_tenant_cannot_scale_the_replica_set_under_a_child(actors: Actors, chat: Manifest) -> None:
    (replica_set,) = actors.tenant.list("apps/v1", "ReplicaSet", TEAM, labels=LABEL)
    name, more = replica_set["metadata"]["name"], {"spec": {"replicas": 5}}
    assert refused(lambda: actors.tenant.patch("apps/v1", "ReplicaSet", name, TEAM, patch=more))
    assert refused(lambda: actors.tenant.patch("apps/v1", "ReplicaSet", name, TEAM, patch=more, subresource="scale"))


def test_not_even_an_administrator_edits_a_child_unless_their_group_is_exempt(actors: Actors, chat: Manifest) -> None:
    edit = {"metadata": {"annotations": {"by": "hand"}}}
    assert refused(lambda: actors.platform.patch("apps/v1", "Deployment", "chat", TEAM, patch=edit))


def test_a_tenants_autoscaler_cannot_scale_a_child(actors: Actors, chat: Manifest) -> None:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "chat"}
    actors.tenant.create(
        {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "evade", "namespace": TEAM},
            "spec": {"scaleTargetRef": target, "minReplicas": 3, "maxReplicas": 4},
        }
    )

    def failed() -> str:
        scaler = actors.tenant.get("autoscaling/v2", "HorizontalPodAutoscaler", "evade", TEAM)
        conditions = scaler["status"]["conditions"]
        return next((str(entry) for entry in conditions if entry["reason"] == "FailedUpdateScale"), "")

    assert "only the Inferfleet operator changes" in eventually(failed, 60)
    assert actors.tenant.get("apps/v1", "Deployment", "chat", TEAM)["spec"]["replicas"] == 1
    actors.tenant.delete("autoscaling/v2", "HorizontalPodAutoscaler", "evade", TEAM)


def test_a_tenant_cannot_pass_an_object_off_as_the_operators(actors: Actors, chat: Manifest) -> None:
    owner = actors.tenant.get("inferfleet.dev/v1alpha1", "InferenceDeployment", "chat", TEAM)
    assert refused(lambda: actors.tenant.create(child(owner, "forged", limits={})))


def test_a_tenant_may_restart_a_pod_which_its_controller_replaces(actors: Actors, chat: Manifest) -> None:
    (before,) = actors.tenant.list("v1", "Pod", TEAM, labels=LABEL)
    actors.tenant.delete("v1", "Pod", before["metadata"]["name"], TEAM)

    def replaced() -> bool:
        (after,) = actors.tenant.list("v1", "Pod", TEAM, labels=LABEL)
        assert after["metadata"]["uid"] != before["metadata"]["uid"]
        return str(after["status"]["phase"]) == "Running"

    eventually(replaced, 60)


def test_a_tenant_scales_what_is_their_own(actors: Actors) -> None:
    actors.tenant.create(workload("Deployment", "website", {"cpu": "1"}, {}))
    more = {"spec": {"replicas": 2}}
    actors.tenant.patch("apps/v1", "Deployment", "website", TEAM, patch=more, subresource="scale")
    actors.tenant.delete("apps/v1", "Deployment", "website", TEAM)


def test_a_tenant_scales_the_inference_deployment_itself(actors: Actors, chat: Manifest) -> None:
    scale = {"spec": {"replicas": 2}}
    actors.tenant.patch(
        "inferfleet.dev/v1alpha1", "InferenceDeployment", "chat", TEAM, patch=scale, subresource="scale"
    )


def test_the_operator_scales_and_deletes_what_it_made(actors: Actors) -> None:
    owner = actors.tenant.create(inference_deployment("other"))
    manifest = child(owner, "other", limits={})
    actors.operator.apply(manifest, manager="inferfleet.dev/operator")
    manifest["spec"]["replicas"] = 2
    actors.operator.apply(manifest, manager="inferfleet.dev/operator")
    actors.operator.delete("apps/v1", "Deployment", "other", TEAM)
    eventually(lambda: actors.tenant.find("apps/v1", "Deployment", "other", TEAM) is None)


# Last: the garbage collector discovers a new kind up to half a minute after its CRD is there.
def test_deleting_the_owner_takes_its_children_along(actors: Actors) -> None:
    owner = actors.tenant.create(inference_deployment("gone"))
    actors.operator.apply(child(owner, "gone", limits={}), manager="inferfleet.dev/operator")
    actors.tenant.delete("inferfleet.dev/v1alpha1", "InferenceDeployment", "gone", TEAM)
    eventually(lambda: actors.tenant.find("apps/v1", "Deployment", "gone", TEAM) is None, 60)
