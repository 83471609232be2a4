"""The captured flags of vLLM 0.32.0, and how generously its parser reads them."""

import pytest

from inferfleet.catalog.engine_flags import (
    Ambiguous,
    FlagTable,
    Resolved,
    ValueKind,
    captured_versions,
    flag_table,
    version_key,
)


@pytest.fixture
def table() -> FlagTable:
    found = flag_table("0.32.0")
    assert found is not None
    return found


def flag_of(table: FlagTable, option: str) -> str | None:
    found = table.resolve(option)
    return found.flag.name if isinstance(found, Resolved) else None


def test_the_capture_is_whole(table: FlagTable) -> None:
    """`vllm serve` 0.32.0 has 318 arguments: these, `--help` and the positional model."""
    assert len({flag.names for flag in table.by_option.values()}) == 316


@pytest.mark.parametrize(
    ("option", "name"),
    [
        ("--tensor-parallel-size", "--tensor-parallel-size"),
        ("--tensor_parallel_size", "--tensor-parallel-size"),
        ("--tensor_parallel-si", "--tensor-parallel-size"),
        ("-tp", "--tensor-parallel-size"),
        ("-q", "--quantization"),
        ("--device-memory-utilization", "--gpu-memory-utilization"),
        ("--no-enable-prefix-caching", "--enable-prefix-caching"),
        ("--max-model-len", "--max-model-len"),
        ("--swap-space", None),
        ("tensor-parallel-size", None),
    ],
)
def test_every_spelling_means_what_the_parser_would_take_it_for(
    table: FlagTable, option: str, name: str | None
) -> None:
    assert flag_of(table, option) == name


def test_an_exact_name_wins_over_longer_ones(table: FlagTable) -> None:
    assert flag_of(table, "--config") == "--config"


def test_a_prefix_of_several_flags_is_ambiguous(table: FlagTable) -> None:
    found = table.resolve("--max-num-queued")
    assert found == Ambiguous(("--max-num-queued-reqs", "--max-num-queued-tokens"))


@pytest.mark.parametrize(
    ("option", "value", "fine"),
    [
        ("--dtype", "bfloat16", True),
        ("--dtype", "int8", False),
        ("--kv-cache-dtype", "fp8", True),
        ("--max-model-len", "8192", True),
        ("--max-model-len", "1k", True),
        ("--max-model-len", "1.5k", True),
        ("--max-model-len", "1.5K", False),
        ("--max-model-len", "auto", True),
        ("--max-num-seqs", "256", True),
        ("--max-num-seqs", "many", False),
        ("--gpu-memory-utilization", "0.9", True),
        ("--gpu-memory-utilization", "90%", False),
        ("--compilation-config", '{"mode": 3}', True),
        ("--compilation-config", "{", False),
    ],
)
def test_values_are_judged_as_the_parser_would(table: FlagTable, option: str, value: str, fine: bool) -> None:
    assert (table.by_option[option].problem(value) is None) is fine


def test_switches_take_no_value_and_lists_take_several(table: FlagTable) -> None:
    assert table.by_option["--enforce-eager"].value is ValueKind.SWITCH
    assert table.by_option["--served-model-name"].many


def test_an_engine_that_was_never_captured_is_unknown() -> None:
    assert flag_table("0.31.0") is None
    assert captured_versions() == ("0.32.0",)


@pytest.mark.parametrize(
    ("lower", "higher"), [("0.9.2", "0.18.0"), ("0.17.1", "0.18"), ("0.32.0rc1", "0.33.0"), ("nightly", "0.1")]
)
def test_versions_compare_by_their_numbers(lower: str, higher: str) -> None:
    assert version_key(lower) < version_key(higher)
