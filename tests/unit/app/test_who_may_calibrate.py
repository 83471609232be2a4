"""Only engines that run what was decided, with an image that is approved, may calibrate."""

from dataclasses import replace

from inferfleet.domain.model import UnknownModel
from tests.builders import demand
from tests.unit.app.engine_scene import KEY, Scene

POLICY = {
    "apiVersion": "inferfleet.dev/v1alpha1",
    "kind": "BudgetPolicy",
    "metadata": {"name": "team-a", "uid": "policy", "resourceVersion": "1"},
    "spec": {
        "namespaceSelector": {"matchLabels": {"team": "a"}},
        "usdPerMonth": "5000",
        "engine": {"allowedImages": ["acme/vllm:"]},
    },
}


def names(scene: Scene) -> list[str]:
    return [pod.name for subject in scene.subjects() for pod in subject.pods]


def test_a_pod_of_the_decided_template_may_calibrate() -> None:
    scene = Scene()
    scene.put_pod()
    (subject,) = scene.subjects()
    assert [pod.name for pod in subject.pods] == ["chat-1"]
    assert (subject.setting.engine, subject.setting.gpu_type) == (scene.placement.engine, "nvidia-l40s-48gb")


def test_a_pod_with_another_image_may_not() -> None:
    scene = Scene()
    scene.put_pod(image="evil/vllm:latest")
    assert names(scene) == []


def test_a_pod_of_an_older_roll_out_may_not() -> None:
    scene = Scene()
    scene.put_pod(args=["other", "--max-model-len=1024"])
    assert names(scene) == []


def test_a_deployment_that_was_changed_by_hand_calibrates_nothing() -> None:
    scene = Scene()
    container = scene.deployment["spec"]["template"]["spec"]["containers"][0]
    container["image"] = "evil/vllm:latest"
    scene.put_deployment()
    scene.put_pod()
    assert scene.subjects() == ()


def test_a_deployment_of_another_owner_calibrates_nothing() -> None:
    scene = Scene()
    scene.deployment["metadata"]["ownerReferences"] = [{"controller": True, "uid": "somebody"}]
    scene.put_deployment()
    scene.put_pod()
    assert scene.subjects() == ()


def test_an_own_image_calibrates_only_while_a_policy_allows_it() -> None:
    own = demand(engine={"maxModelLen": 8192, "image": "acme/vllm:1", "version": "0.32.0"})
    scene = Scene()
    allowed = replace(scene.demand, spec=own.spec)
    scene.decided.demand = allowed
    scene.deployment["spec"]["template"]["spec"]["containers"][0]["image"] = "acme/vllm:1"
    scene.put_deployment()
    scene.put_pod()
    assert names(scene) == []

    scene.store.policies.put(POLICY)

    assert names(scene) == ["chat-1"]


def test_another_model_than_the_decided_one_calibrates_nothing() -> None:
    scene = Scene()
    scene.put_pod()
    other = demand(model={"id": "Qwen/Qwen3-14B"}, engine={"maxModelLen": 8192})
    scene.decided.demand = replace(other, uid=scene.demand.uid)
    assert scene.subjects() == ()


def test_an_unknown_model_calibrates_nothing() -> None:
    scene = Scene()
    scene.put_pod()
    scene.decided.demand = replace(scene.demand, model=UnknownModel(id="x", message="unknown"))
    assert scene.subjects() == ()


def test_a_pod_that_is_being_deleted_is_left_out() -> None:
    scene = Scene()
    scene.put_pod()
    pods = scene.store.pods_of(KEY)
    assert len(pods) == 1
    scene.deployment["spec"]["template"]["metadata"]["deletionTimestamp"] = "2026-11-01T00:00:00Z"
    scene.put_pod()
    assert names(scene) == []
