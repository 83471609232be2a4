"""What the chart's roles allow, asked of the API server for every resource and verb: exactly this, and nothing more."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.controlplane.cluster import Cluster
from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.objects import ApiError, Manifest, Objects
from tests.controlplane.waiting import eventually
from tests.integration.chart.helm_chart import CHART, NAMESPACE

VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
READ = frozenset({"get", "list", "watch"})
OWN = READ | {"create", "patch", "delete"}
ALL = frozenset(VERBS)
Rights = dict[str, frozenset[str]]

TENANT_KINDS = ("inferencedeployments", "inferenceroutes")
PLATFORM_KINDS = ("budgetpolicies", "gpupools", "gputypes", "modelprofiles")


def ours(names: Iterable[str], verbs: Iterable[str], subresource: str = "") -> Rights:
    return {f"{name}.inferfleet.dev{subresource}": frozenset(verbs) for name in names}


WORKLOADS: Rights = {
    **ours(TENANT_KINDS, READ),
    **ours(TENANT_KINDS, {"patch"}, "/status"),
    **ours(TENANT_KINDS, {"update"}, "/finalizers"),
    "deployments.apps": OWN,
    "jobs.batch": OWN,
    "services": OWN,
    "poddisruptionbudgets.policy": OWN,
    "events.events.k8s.io": frozenset({"create", "patch"}),
}
CLUSTER: Rights = {
    **ours(PLATFORM_KINDS, READ),
    **ours(PLATFORM_KINDS, {"patch"}, "/status"),
    "nodes": READ,
    "pods": READ,
    "namespaces": READ,
}


@pytest.fixture(scope="module")
def installed(own_cluster: ControlPlane) -> ControlPlane:
    """Install three releases that differ in what the operator may do, and bind Kubernetes' own roles to users."""
    own_cluster.create_namespace(NAMESPACE)
    for team in ("team-a", "team-b"):
        own_cluster.create_namespace(team)
    options = ("--namespace", NAMESPACE, "--set")
    own_cluster.helm("install", "inferfleet", str(CHART), *options, "replicas=0")
    shared = "replicas=0,crds.enabled=false"
    own_cluster.helm("install", "logs", str(CHART), *options, f"{shared},engines.readPodLogs=true")
    own_cluster.helm("install", "narrow", str(CHART), *options, f"{shared},watchNamespaces={{team-a}}")
    for role in ("view", "edit", "admin"):
        own_cluster.kubectl(
            "create", "rolebinding", f"tenant-{role}", f"--clusterrole={role}", f"--user={role}", "-n", "team-a"
        )
    own_cluster.kubectl(
        "create", "clusterrolebinding", "platform", "--clusterrole=inferfleet-platform-admin", "--user=platform"
    )
    eventually(lambda: allowed(own_cluster, "view", "get", "inferencedeployments.inferfleet.dev", "team-a"), 30)
    return own_cluster


def operator(release: str = "inferfleet") -> str:
    return f"system:serviceaccount:{NAMESPACE}:{release}"


def review(user: str, verb: str, resource: str, namespace: str, name: str) -> Manifest:
    """Return the question whether a user may do something; resource is `plural[.group][/subresource]`."""
    whole, _, subresource = resource.partition("/")
    plural, _, group = whole.partition(".")
    attributes = {"verb": verb, "group": group, "resource": plural, "subresource": subresource, "name": name}
    parts = user.split(":")
    groups = ["system:serviceaccounts", f"system:serviceaccounts:{parts[2]}"] if len(parts) == 4 else []
    return {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": user,
            "groups": [*groups, "system:authenticated"],
            "resourceAttributes": {**attributes, "namespace": namespace},
        },
    }


def allowed(cluster: Cluster, user: str, verb: str, resource: str, namespace: str, *, name: str = "") -> bool:
    question = review(user, verb, resource, namespace, name)
    answer = cluster.objects.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", question)
    return bool(answer["status"]["allowed"])


def served(cluster: Cluster) -> list[str]:
    """Every resource and subresource that the API server serves, and those that only authorisation knows."""
    roots = [
        f"/apis/{group['preferredVersion']['groupVersion']}"
        for group in cluster.objects.request("GET", "/apis")["groups"]
    ]
    names = []
    for root in ["/api/v1", *roots]:
        group = root.split("/")[2] if root.startswith("/apis") else ""
        for entry in cluster.objects.request("GET", root)["resources"]:
            plural, _, subresource = entry["name"].partition("/")
            names.append(plural + (f".{group}" if group else "") + (f"/{subresource}" if subresource else ""))
    return [*names, *(f"{kind}.inferfleet.dev/finalizers" for kind in (*TENANT_KINDS, *PLATFORM_KINDS))]


def rights(cluster: Cluster, user: str, namespace: str) -> Rights:
    """Everything that a user may do in a namespace (or cluster-wide: "") beyond what every user may."""
    everybody = {("create", "selfsubjectreviews.authentication.k8s.io")} | {
        ("create", f"selfsubject{what}reviews.authorization.k8s.io") for what in ("access", "rules")
    }
    questions = [(verb, name) for name in served(cluster) for verb in VERBS if (verb, name) not in everybody]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda asked: allowed(cluster, user, asked[0], asked[1], namespace), questions))
    granted: dict[str, set[str]] = {}
    for (verb, name), answer in zip(questions, answers, strict=True):
        if answer:
            granted.setdefault(name, set()).add(verb)
    return {name: frozenset(verbs) for name, verbs in granted.items()}


def in_our_group(granted: Rights) -> Rights:
    return {name: verbs for name, verbs in granted.items() if ".inferfleet.dev" in name}


def test_the_operator_may_do_exactly_this_in_any_namespace(installed: ControlPlane) -> None:
    assert rights(installed, operator(), "team-b") == {**CLUSTER, **WORKLOADS}


def test_reading_pod_logs_is_the_only_thing_that_option_adds(installed: ControlPlane) -> None:
    added = {"pods/log": frozenset({"get"})}
    assert rights(installed, operator("logs-inferfleet"), "team-b") == {**CLUSTER, **WORKLOADS, **added}


def test_with_watched_namespaces_the_operator_writes_workloads_in_those(installed: ControlPlane) -> None:
    assert rights(installed, operator("narrow-inferfleet"), "team-a") == {**CLUSTER, **WORKLOADS}


def test_with_watched_namespaces_the_operator_only_reads_elsewhere(installed: ControlPlane) -> None:
    assert rights(installed, operator("narrow-inferfleet"), "team-b") == CLUSTER


def test_with_watched_namespaces_events_about_cluster_wide_objects_find_their_place(installed: ControlPlane) -> None:
    events = {"events.events.k8s.io": frozenset({"create", "patch"})}
    assert rights(installed, operator("narrow-inferfleet"), "default") == {**CLUSTER, **events}


@pytest.mark.parametrize(
    ("verb", "resource", "name", "may"),
    [
        ("patch", "leases.coordination.k8s.io", "inferfleet", True),
        ("update", "leases.coordination.k8s.io", "inferfleet", True),
        ("update", "leases.coordination.k8s.io", "kube-scheduler", False),
        ("patch", "configmaps", "inferfleet-calibration", True),
        ("get", "configmaps", "kube-root-ca.crt", False),
        ("get", "secrets", "hub", False),
    ],
)
def test_in_its_own_namespace_the_operator_reaches_objects_by_name(
    installed: ControlPlane, verb: str, resource: str, name: str, may: bool
) -> None:
    assert allowed(installed, operator(), verb, resource, NAMESPACE, name=name) is may


def test_the_operator_creates_its_configmap_by_server_side_apply(installed: ControlPlane) -> None:
    as_operator = Objects(installed.kubeconfig_for_service_account(NAMESPACE, "inferfleet"))
    as_operator.apply(config_map("inferfleet-calibration", NAMESPACE))
    assert as_operator.get("v1", "ConfigMap", "inferfleet-calibration", NAMESPACE)


@pytest.mark.parametrize(("name", "namespace"), [("other", NAMESPACE), ("inferfleet-calibration", "team-a")])
def test_the_operator_creates_no_other_configmap(installed: ControlPlane, name: str, namespace: str) -> None:
    as_operator = Objects(installed.kubeconfig_for_service_account(NAMESPACE, "inferfleet"))
    with pytest.raises(ApiError, match="forbidden"):
        as_operator.apply(config_map(name, namespace))


def config_map(name: str, namespace: str) -> Manifest:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"key": "value"}}


def test_viewers_read_what_their_namespace_asks_for(installed: ControlPlane) -> None:
    assert in_our_group(rights(installed, "view", "team-a")) == {
        **ours(TENANT_KINDS, READ),
        **ours(TENANT_KINDS, READ, "/status"),
        **ours(["inferencedeployments"], READ, "/scale"),
    }


@pytest.mark.parametrize("role", ["edit", "admin"])
def test_editors_change_what_their_namespace_asks_for_but_neither_status_nor_platform_kinds(
    installed: ControlPlane, role: str
) -> None:
    assert in_our_group(rights(installed, role, "team-a")) == {
        **ours(TENANT_KINDS, ALL),
        **ours(TENANT_KINDS, READ, "/status"),
        **ours(["inferencedeployments"], READ | {"update", "patch"}, "/scale"),
    }


@pytest.mark.parametrize("role", ["view", "edit", "admin"])
def test_a_role_in_one_namespace_says_nothing_about_another(installed: ControlPlane, role: str) -> None:
    assert not in_our_group(rights(installed, role, "team-b"))


def test_platform_administrators_change_platform_kinds_and_no_status(installed: ControlPlane) -> None:
    assert rights(installed, "platform", "") == {
        **ours(PLATFORM_KINDS, ALL),
        **ours(PLATFORM_KINDS, READ, "/status"),
    }
