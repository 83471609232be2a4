"""The scalar types of the API: bounded strings and integers, decimals that are never floats, quantities, times.

In: values as YAML or Python gives them. Out: annotated types that validate, serialise and describe themselves in JSON
schema with the bounds that the API server needs to price CEL rules. This file must not know any kind.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, Strict, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from inferfleet.api.quantities import QUANTITY_PATTERN, parse_quantity

WIDE = Context(prec=64)
"""For rounding: the usual 28 digits are not enough for the largest products of prices, counts and hours."""

_SIXTH_PLACE = Decimal("0.000001")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _plain(value: Decimal) -> str:
    """Write a decimal without an exponent, keeping its trailing zeros: the text that was read comes back unchanged."""
    return format(value, "f")


class _DecimalText:
    """Accept a string of one pattern, or a Decimal that prints as one; refuse floats and integers by name.

    A Decimal comes from our own arithmetic, so digits after the sixth place are rounded off instead of refused.
    """

    def __init__(self, pattern: str, example: str) -> None:
        self._pattern = re.compile(pattern, re.ASCII)
        self._accepted = f'a decimal string such as "{example}", in quotes (pattern {pattern})'

    def __call__(self, value: object) -> Decimal:
        text = value
        if isinstance(value, Decimal) and value.is_finite():
            rounded = value.quantize(_SIXTH_PLACE, ROUND_HALF_EVEN, WIDE)
            text = min(_plain(value), _plain(rounded), key=len)  # what was read comes back as it was written
        if not isinstance(text, str) or self._pattern.fullmatch(text) is None:
            raise PydanticCustomError("decimal_string", "must be {accepted}", {"accepted": self._accepted})
        return Decimal(text)


_AS_TEXT = PlainSerializer(_plain, return_type=str)

MONEY_PATTERN = r"^\d{1,9}(\.\d{1,6})?$"
"""Money and rates: no sign, no exponent, up to a billion with six decimal places."""

SIGNED_PATTERN = r"^-?\d{1,32}(\.\d{1,6})?$"
"""Computed figures in status: what remains of a budget may be negative. A status must hold whatever the largest inputs
make of it, a price of 10^9 for 64 GPUs in each of 10^9 replicas over all hours of a batch, or one bad number would
hide all others."""

FRACTION_PATTERN = r"^(0(\.\d{1,6})?|1(\.0{1,6})?)$"
"""Shares and scores from 0 to 1."""

Money = Annotated[
    Decimal,
    BeforeValidator(_DecimalText(MONEY_PATTERN, "1.60")),
    _AS_TEXT,
    WithJsonSchema({"type": "string", "pattern": MONEY_PATTERN, "maxLength": 16}),
]
"""USD as a decimal string; `Decimal` in Python."""

Rate = Annotated[
    Decimal,
    BeforeValidator(_DecimalText(MONEY_PATTERN, "4")),
    _AS_TEXT,
    WithJsonSchema({"type": "string", "pattern": MONEY_PATTERN, "maxLength": 16}),
]
"""A rate or another non-negative number that may have decimal places."""

Figure = Annotated[
    Decimal,
    BeforeValidator(_DecimalText(SIGNED_PATTERN, "-12.5")),
    _AS_TEXT,
    WithJsonSchema({"type": "string", "pattern": SIGNED_PATTERN, "maxLength": 40}),
]
"""A computed number in status (USD, GiB, a ratio); may be negative."""

Fraction = Annotated[
    Decimal,
    BeforeValidator(_DecimalText(FRACTION_PATTERN, "0.90")),
    _AS_TEXT,
    WithJsonSchema({"type": "string", "pattern": FRACTION_PATTERN, "maxLength": 8}),
]
"""A number from 0 to 1."""

POSITIVE_FRACTION_PATTERN = r"^(0\.(0[1-9]|[1-9]\d?)\d{0,4}|1(\.0{1,6})?)$"
"""Shares of something that is needed, from 0.01 to 1."""

PositiveFraction = Annotated[
    Decimal,
    BeforeValidator(_DecimalText(POSITIVE_FRACTION_PATTERN, "0.90")),
    _AS_TEXT,
    WithJsonSchema({"type": "string", "pattern": POSITIVE_FRACTION_PATTERN, "maxLength": 8}),
]
"""A number from 0.01 to 1."""

Integer = Annotated[int, Strict()]
"""A whole number; `"4"`, `4.0` and `true` are not. Each field adds its bounds."""

Flag = Annotated[bool, Strict()]
"""true or false; not "yes", not 1."""

ObjectName = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", min_length=1, max_length=253)
]
"""The name of another object: a DNS-1123 subdomain."""

EntryName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", min_length=1, max_length=63)]
"""The name of an entry in a list: a DNS-1123 label."""

Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]([-A-Za-z0-9_./]*[A-Za-z0-9])?$", max_length=63)]
"""A short identifier of somebody else's vocabulary: a region, a residency zone, a quantization method, a provider."""

SecretKey = Annotated[str, StringConstraints(pattern=r"^[-._a-zA-Z0-9]+$", min_length=1, max_length=253)]
"""A key inside a Secret."""

LabelKey = Annotated[
    str,
    StringConstraints(
        pattern=r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$", max_length=317
    ),
]
"""A label key or an extended resource name: an optional DNS prefix with a slash, then a name."""

LabelValue = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$", max_length=63)]
"""A label value; may be empty."""

ModelID = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*/[A-Za-z0-9_][A-Za-z0-9_.-]*$", max_length=200)
]
"""A Hugging Face repository, owner/name; neither part looks like a command line option or a way out of a folder."""

Line = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f]+$", min_length=1, max_length=512)]
"""One line of text without control characters."""

Message = Annotated[str, StringConstraints(max_length=4096)]
"""A text for people, written by the operator."""


def _checked_quantity(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise PydanticCustomError("quantity", 'must be a quantity such as "44", "500m" or "340Gi"')
    try:
        parse_quantity(value)
    except ValueError as error:
        raise PydanticCustomError("quantity", 'must be a quantity such as "44", "500m" or "340Gi"') from error
    return str(value)


Quantity = Annotated[
    str,
    BeforeValidator(_checked_quantity),
    WithJsonSchema(
        {
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "x-kubernetes-int-or-string": True,
            "pattern": QUANTITY_PATTERN,
            "maxLength": 32,
        }
    ),
]
"""An amount of a node resource as Kubernetes writes it; `parse_quantity` gives the number."""


def _in_seconds(value: datetime) -> str:
    """Write an instant as Kubernetes does: UTC, whole seconds, `Z`."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _with_zone(value: datetime) -> datetime:
    """Read an instant without a zone as UTC: YAML loaders drop the `Z` of an unquoted time."""
    return value if value.tzinfo else value.replace(tzinfo=UTC)


Timestamp = Annotated[
    datetime,
    AfterValidator(_with_zone),
    PlainSerializer(_in_seconds, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""An instant; RFC 3339 in UTC with whole seconds."""


def _calendar_day(value: object) -> object:
    """Refuse what pydantic would take and the API server would not: numbers, and days with a time."""
    if (isinstance(value, str) and _DAY.fullmatch(value) is None) or not isinstance(value, str | date):
        raise PydanticCustomError("day", 'must be a day such as "2026-11-01"')
    return value


Day = Annotated[
    date,
    BeforeValidator(_calendar_day),
    PlainSerializer(date.isoformat, return_type=str),
    WithJsonSchema({"type": "string", "format": "date"}),
]
"""A calendar day, `2026-11-01`."""


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise PydanticCustomError(
            "time_zone", 'must be a zone of the IANA time zone database such as "UTC" or "Europe/Berlin"'
        ) from error
    return name


TimeZone = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_+/-]*$", min_length=1, max_length=64),
    AfterValidator(_known_zone),
]
"""An IANA time zone. The API server checks the spelling only; whether the zone exists is checked when it is read."""
