"""Engine arguments of tenants: no spelling gets a plan-owned flag past the check, and the default is nothing."""

import argparse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferfleet.catalog.engine_flags import ValueKind, flag_table
from inferfleet.domain.problem import Problem
from inferfleet.engine.arguments import OWNED, check_extra_args

VERSION = "0.32.0"


def refusal(*args: str, allowed: tuple[str, ...] | None = None) -> str:
    found = check_extra_args(args, VERSION, allowed)
    assert isinstance(found, Problem), found
    return str(found)


def accepted(*args: str, allowed: tuple[str, ...] | None = None) -> tuple[str, ...]:
    found = check_extra_args(args, VERSION, allowed)
    assert not isinstance(found, Problem), found
    return found


def test_every_owned_flag_is_a_flag_of_vllm() -> None:
    table = flag_table(VERSION)
    assert table is not None
    assert {flag.name for flag in table.by_option.values()} >= OWNED


@pytest.mark.parametrize(
    "args",
    [
        ["--tensor-parallel-size=8"],
        ["--tensor-parallel-size", "8"],
        ["--tensor_parallel_size=8"],
        ["--tensor_parallel-size", "8"],
        ["--tensor-par", "8"],
        ["--tensor=8"],
        ["-tp", "8"],
        ["-tp=8"],
        ["--tensor-parallel-size.x", "8"],
        ["--tensor_parallel_size.x=8"],
        ["--device-memory-utilization=0.99"],
        ["--gpu-memory-util", "0.99"],
        ["--no-enforce-eager"],
        ["--enforce_eager"],
        ["-ep"],
        ["-q", "fp8"],
        ["--config", "/tmp/x.yaml"],
        ["--config=/tmp/x.yaml"],
        ["--seed", "7", "--max_model_len", "1k"],
    ],
)
def test_no_spelling_of_an_owned_flag_passes_even_when_a_policy_lists_it(args: list[str]) -> None:
    assert "which the plan decides" in refusal(*args, allowed=tuple(args))


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--swap-space=4"], "is no flag of vLLM 0.32.0"),
        (["-tp8"], "is no flag of vLLM 0.32.0"),
        (["-O3"], "is no flag of vLLM 0.32.0"),
        (["/etc/passwd"], "is not a flag"),
        (["--"], "is not a flag"),
        (["-"], "is not a flag"),
        (["--seed"], "needs a value"),
        (["--seed", "--max-loras"], "needs a value"),
        (["--seed=x"], "must be an integer"),
        (["--enable-prefix-caching=true"], "takes no value"),
        (["--enable-prefix-caching", "true"], "is not a flag"),
        (["--tool-strict-level=no"], "must be one of auto, function, parameter"),
        (["--compilation-config={"], "must be JSON"),
    ],
)
def test_what_cannot_be_understood_is_refused(args: list[str], message: str) -> None:
    assert message in refusal(*args)


def test_an_ambiguous_prefix_names_what_it_could_mean() -> None:
    assert "could mean --config, --config-format" in refusal("--confi=/tmp/x.yaml")


def test_an_unambiguous_prefix_comes_out_in_full() -> None:
    assert accepted("--enable-prefix") == ("--enable-prefix-caching",)


def test_a_refusal_names_field_position_and_value() -> None:
    assert refusal("--seed=7", "-tp", "2").startswith("spec.engine.extraArgs[1]: '-tp' sets --tensor-parallel-size")


def test_no_policy_allows_nothing() -> None:
    assert "allowed here: none" in refusal("--enable-prefix-caching", allowed=())


@pytest.mark.parametrize("entry", ["--enable-prefix-caching", "--enable_prefix_caching"])
def test_an_allowed_flag_passes_in_any_spelling_and_comes_out_plain(entry: str) -> None:
    assert accepted("--enable_prefix_caching", allowed=(entry,)) == ("--enable-prefix-caching",)


def test_allowing_a_switch_does_not_allow_to_turn_it_off() -> None:
    assert "is not in" in refusal("--no-enable-prefix-caching", allowed=("--enable-prefix-caching",))


def test_an_entry_with_a_value_allows_this_value_only() -> None:
    assert accepted("--seed", "7", allowed=("--seed=7",)) == ("--seed=7",)
    assert "is not in" in refusal("--seed=8", allowed=("--seed=7",))


def test_one_key_of_a_json_flag_can_be_allowed_alone() -> None:
    allowed = ("--compilation-config.mode",)
    assert accepted("--compilation_config.mode", "3", allowed=allowed) == ("--compilation-config.mode=3",)
    assert "is not in" in refusal("--compilation-config.backend=evil", allowed=allowed)


def test_an_alias_comes_out_as_the_long_name() -> None:
    assert accepted("-sc", '{"method": "ngram"}', allowed=("--speculative-config",)) == (
        '--speculative-config={"method": "ngram"}',
    )


def test_a_value_that_looks_like_a_flag_stays_a_value() -> None:
    assert accepted("--allowed-media-domains=--trust-remote-code", allowed=("--allowed-media-domains",)) == (
        "--allowed-media-domains=--trust-remote-code",
    )


def test_several_values_stay_together() -> None:
    assert accepted("--allowed-media-domains", "a.org", "b.org", allowed=("--allowed-media-domains",)) == (
        "--allowed-media-domains",
        "a.org",
        "b.org",
    )


def test_an_engine_version_without_captured_flags_takes_no_arguments() -> None:
    found = check_extra_args(("--seed=1",), "0.31.0", ("--seed",))
    assert isinstance(found, Problem)
    assert "known are 0.32.0" in str(found)


def test_no_arguments_need_no_captured_flags() -> None:
    assert check_extra_args((), "0.1.0", ()) == ()


def engines_parser() -> argparse.ArgumentParser:
    """A parser with vLLM's flags, as generous as argparse is."""
    table = flag_table(VERSION)
    assert table is not None
    parser = argparse.ArgumentParser(exit_on_error=False, add_help=False)
    for flag in dict.fromkeys(table.by_option.values()):
        if flag.value is ValueKind.SWITCH:
            parser.add_argument(*flag.names, dest=flag.name, action="store_true")
        else:
            parser.add_argument(*flag.names, dest=flag.name, nargs="+" if flag.many else "?" if flag.optional else None)
    return parser


PARSER = engines_parser()
_table = flag_table(VERSION)
assert _table is not None
OPTIONS = sorted(_table.by_option)


@given(
    st.lists(
        st.one_of(
            st.sampled_from(OPTIONS),
            st.builds(lambda option, cut: option[: max(2, cut)], st.sampled_from(OPTIONS), st.integers(2, 20)),
            st.builds(lambda option: option.replace("-", "_").replace("__", "--", 1), st.sampled_from(OPTIONS)),
            st.builds(
                lambda option, value: f"{option}={value}",
                st.sampled_from(OPTIONS),
                st.sampled_from(["1", "-tp", "a.b"]),
            ),
            st.sampled_from(["1", "8", "x", "--", "-1", "{}"]),
        ),
        max_size=4,
    )
)
def test_whatever_passes_sets_no_owned_flag_in_the_engines_own_parser(args: list[str]) -> None:
    written = check_extra_args(args, VERSION, None)
    if not isinstance(written, Problem):
        plain = [argument for argument in written if "." not in argument.partition("=")[0]]
        found = PARSER.parse_args(plain)
        assert all(not getattr(found, owned) for owned in OWNED)
