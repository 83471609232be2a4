"""Mounts of one volume at two paths are told apart by their path."""

from __future__ import annotations

from inferfleet.apply.drift import difference

INPUT = {"name": "prompts", "mountPath": "/batch/input", "readOnly": True}
OUTPUT = {"name": "prompts", "mountPath": "/batch/output"}


def test_one_volume_mounted_twice_as_rendered_is_no_difference() -> None:
    assert difference({"volumeMounts": [INPUT, OUTPUT]}, {"volumeMounts": [INPUT, OUTPUT]}) is None


def test_a_mount_that_was_removed_by_hand_is_a_difference() -> None:
    assert difference({"volumeMounts": [INPUT, OUTPUT]}, {"volumeMounts": [INPUT]}) == "volumeMounts[/batch/output]"
