"""The roles that the chart renders, read as data; `test_chart_rights.py` asks the API server about them."""

import json

import pytest

from inferfleet.domain.resources import CHILDREN, EVENT, NAMESPACE, NODE, OURS, POD, Resource
from tests.integration.chart.helm_chart import ALL_OPTIONS, CHART, Manifest, helm, kinds, one, render

EVERYTHING = ("--values", str(ALL_OPTIONS))


def roles(manifests: list[Manifest]) -> list[Manifest]:
    return [manifest for manifest in manifests if manifest["kind"] in {"Role", "ClusterRole"}]


@pytest.mark.parametrize("options", [(), EVERYTHING, ("--set", "watchNamespaces={a,b}")])
def test_no_role_has_a_wildcard_or_reaches_a_secret(options: tuple[str, ...]) -> None:
    for role in roles(render(*options)):
        for rule in role["rules"]:
            assert not any("*" in word for words in rule.values() for word in words), rule
            assert not {"secrets", "pods/exec", "pods/proxy", "pods/attach", "pods/portforward"} & {*rule["resources"]}
            assert not {"impersonate", "escalate", "bind"} & {*rule["verbs"]}


def test_the_operator_is_granted_what_it_does_with_every_resource_that_it_knows() -> None:
    read, own = {"get", "list", "watch"}, {"get", "list", "watch", "create", "patch", "delete"}
    needs = [
        *((resource, "", read) for resource in (*OURS, NODE, POD, NAMESPACE)),
        *((resource, "/status", {"patch"}) for resource in OURS),
        *((resource, "", own) for resource in CHILDREN),
        (EVENT, "", {"create", "patch"}),
    ]
    rules = one(render(), "ClusterRole", "inferfleet")["rules"]
    for resource, subresource, verbs in needs:
        assert granted(rules, resource, subresource) == verbs, resource


def granted(rules: list[Manifest], resource: Resource, subresource: str) -> set[str]:
    """Return the verbs that rules give for a resource."""
    group = resource.api_version.rpartition("/")[0]
    return {
        verb
        for rule in rules
        if group in rule["apiGroups"] and resource.plural + subresource in rule["resources"]
        for verb in rule["verbs"]
    }


def test_pod_logs_are_read_only_where_the_option_says_so() -> None:
    assert "pods/log" not in json.dumps(roles(render()))
    assert "pods/log" in json.dumps(roles(render("--set", "engines.readPodLogs=true")))


def test_with_watched_namespaces_rights_over_workloads_exist_only_there() -> None:
    manifests = render("--set", "watchNamespaces={team-a,team-b}")
    writes = {"create", "patch", "delete", "update"}
    cluster_wide = one(manifests, "ClusterRole", "inferfleet")["rules"]
    assert [rule["resources"] for rule in cluster_wide if writes & {*rule["verbs"]}] == [
        ["budgetpolicies/status", "gpupools/status", "gputypes/status", "modelprofiles/status"]
    ]
    with_deployments = [
        role["metadata"]["namespace"]
        for role in roles(manifests)
        if any("deployments" in rule["resources"] for rule in role["rules"])
    ]
    assert with_deployments == ["team-a", "team-b"]


def test_the_operator_may_keep_only_its_own_lease_and_its_own_configmap() -> None:
    rules = one(render("--set", "leaderElection.leaseName=fleet"), "Role", "-state")["rules"]
    limited = {tuple(rule.get("resourceNames", ())): set(rule["verbs"]) for rule in rules}
    assert limited == {
        (): {"create"},
        ("fleet",): {"get", "update", "patch"},
        ("inferfleet-calibration",): {"get", "create", "patch"},
    }


def test_rbac_can_be_left_to_the_platform() -> None:
    assert not {"Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"} & kinds(
        render("--set", "rbac.create=false")
    )


def test_an_existing_service_account_must_be_named() -> None:
    done = helm("template", str(CHART), "--set", "serviceAccount.create=false")
    assert "serviceAccount.name" in done.stderr
