"""Kubernetes quantities: `340Gi`, `44`, `500m` as exact decimals.

In: the text (or whole number) that stands in YAML. Out: a Decimal in the base unit (bytes, cores). Exact arithmetic, no
floats. Only what resources of a node need: no signs and no exponents.
Suffixes: Kubernetes documentation, "Resource units" and `k8s.io/apimachinery/pkg/api/resource/suffix.go`.
"""

from __future__ import annotations

import re
from decimal import Decimal
from types import MappingProxyType

QUANTITY_PATTERN = r"^[0-9]{1,18}(\.[0-9]{1,9})?([KMGTPE]i|[munkMGTPE])?$"
"""What a quantity may look like here; a subset of what Kubernetes accepts."""

_FACTORS = MappingProxyType(
    {"": Decimal(1), "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3")}
    | {suffix: Decimal(1000) ** power for power, suffix in enumerate("kMGTPE", start=1)}
    | {f"{suffix}i": Decimal(1024) ** power for power, suffix in enumerate("KMGTPE", start=1)}
)
_QUANTITY = re.compile(r"([0-9.]+)([A-Za-z]*)")


def parse_quantity(text: str | int) -> Decimal:
    """Return the value in base units (bytes for memory, cores for CPU).

    >>> parse_quantity("1Gi"), parse_quantity("500m")
    (Decimal('1073741824'), Decimal('0.500'))

    Raises ValueError for anything that `QUANTITY_PATTERN` does not match.
    """
    written = str(text)
    if re.fullmatch(QUANTITY_PATTERN, written) is None:
        raise ValueError(f'{written!r} is not a quantity such as "44", "500m" or "340Gi"')
    match = _QUANTITY.fullmatch(written)
    assert match is not None, "the pattern above admits digits and a suffix only"
    number, suffix = match.groups()
    return Decimal(number) * _FACTORS[suffix]
