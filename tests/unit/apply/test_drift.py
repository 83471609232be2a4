"""Drift: what counts as a difference between what was rendered and what is stored."""

import pytest

from inferfleet.apply.drift import difference


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"a": 1}, {"a": 1, "added": "by the server"}),
        ({"cpu": "1000m"}, {"cpu": "1"}),
        ({"memory": "1Gi"}, {"memory": "1073741824"}),
        ({"port": 80}, {"port": "80"}),
        ({"empty": {}, "none": None, "list": []}, {}),
        ({"args": ["--a", "--b"]}, {"args": ["--a", "--b"]}),
        ({"env": [{"name": "A", "value": "1"}]}, {"env": [{"name": "B"}, {"name": "A", "value": "1"}]}),
        (
            {"containers": [{"name": "engine", "image": "a"}]},
            {"containers": [{"name": "engine", "image": "a", "x": 1}]},
        ),
    ],
)
def test_the_same_value_in_other_words_is_no_difference(wanted: object, found: object) -> None:
    assert difference(wanted, found) is None


@pytest.mark.parametrize(
    ("wanted", "found", "path"),
    [
        ({"spec": {"replicas": 1}}, {"spec": {"replicas": 3}}, "spec.replicas"),
        ({"labels": {"a": "1"}}, {"labels": {}}, "labels.a"),
        ({"args": ["--a"]}, {"args": ["--a", "--b"]}, "args"),
        ({"env": [{"name": "A", "value": "1"}]}, {"env": [{"name": "A", "value": "2"}]}, "env[A].value"),
        ({"env": [{"name": "A", "value": "1"}]}, {"env": []}, "env[A]"),
        ({"tolerations": [{"key": "a"}]}, {"tolerations": [{"key": "a"}, {"key": "b"}]}, "tolerations"),
        ({"cpu": "2"}, {"cpu": "1500m"}, "cpu"),
        ({"enabled": True}, {"enabled": 1}, None),
        ({"enabled": False}, {}, "enabled"),
    ],
)
def test_a_changed_or_missing_value_is_named_by_its_path(wanted: object, found: object, path: str | None) -> None:
    assert difference(wanted, found) == path
