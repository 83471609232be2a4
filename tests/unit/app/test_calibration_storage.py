"""What is kept over restarts is read again, also what the first version stored."""

from typing import Any, cast

import pytest

from inferfleet.app.calibration.storage import NAME, CalibrationStorage
from inferfleet.apply.client import Client
from inferfleet.domain.resources import Resource


class Kept:
    """A cluster in which the ConfigMap has these entries."""

    def __init__(self, data: dict[str, str]) -> None:
        self._data = data

    async def get(self, resource: Resource, namespace: str | None, name: str) -> dict[str, Any]:
        assert (resource.kind, namespace, name) == ("ConfigMap", "inferfleet-system", NAME)
        return {"data": self._data}


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"calibrations.json": "[1]"}, "[1]"),
        ({"lessons.json": "[1]"}, "[1]"),
        ({"lessons.json": "[1]", "calibrations.json": "[2]"}, "[2]"),
        ({}, None),
    ],
)
async def test_what_was_stored_is_read(data: dict[str, str], text: str | None) -> None:
    storage = CalibrationStorage(cast("Client", Kept(data)), namespace="inferfleet-system")
    assert await storage.read() == text
