"""May these engine arguments be used? Spellings are resolved first, then owned flags fall, then the allow-list speaks.

In: `spec.engine.extraArgs`, the engine version, and what the matching policies allow. Out: the arguments in one plain
spelling (`--flag=value`), so that the engine's generous parser has nothing left to interpret, or the first `Problem`.
An unknown argument is refused, never passed on. This file must not look at other fields of the spec.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from inferfleet.catalog.engine_flags import (
    Ambiguous,
    Flag,
    FlagTable,
    Resolved,
    ValueKind,
    captured_versions,
    flag_table,
)
from inferfleet.domain.problem import Problem

FIELD = "spec.engine.extraArgs"

# What the decision or the manifest depends on: memory and parallel sizes, what is served under which name, where the
# engine listens and how it stops, and every way to bring in further flags or processes. Names of `vllm serve` 0.32.0.
OWNED = frozenset({
    "--config", "--model", "--revision", "--served-model-name", "--hf-token", "--download-dir", "--runner", "--convert",
    "--dtype", "--quantization", "--quantization-config", "--kv-cache-dtype", "--max-model-len", "--max-num-seqs",
    "--max-num-batched-tokens", "--gpu-memory-utilization", "--kv-cache-memory-bytes", "--num-gpu-blocks-override",
    "--block-size", "--enforce-eager", "--cpu-offload-gb", "--kv-offloading-size", "--enable-sleep-mode",
    "--tensor-parallel-size", "--pipeline-parallel-size", "--decode-context-parallel-size",
    "--prefill-context-parallel-size", "--data-parallel-size", "--data-parallel-rank", "--data-parallel-start-rank",
    "--data-parallel-size-local", "--data-parallel-address", "--data-parallel-rpc-port", "--data-parallel-backend",
    "--data-parallel-hybrid-lb", "--data-parallel-external-lb", "--data-parallel-multi-port-external-lb",
    "--data-parallel-supervisor-port", "--enable-expert-parallel", "--enable-elastic-ep", "--device-ids", "--nnodes",
    "--node-rank", "--master-addr", "--master-port", "--distributed-executor-backend", "--headless", "--grpc",
    "--grpc-port", "--api-server-count", "--host", "--port", "--uds", "--root-path", "--api-key", "--ssl-keyfile",
    "--ssl-certfile", "--ssl-ca-certs", "--ssl-cert-reqs", "--ssl-ciphers", "--enable-ssl-refresh",
    "--shutdown-timeout",
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Argument:
    """One resolved argument: its position, the option in full, the dotted JSON path behind it, and its values."""

    position: int
    flag: Flag
    option: str
    path: str
    values: tuple[str, ...]

    @property
    def name(self) -> str:
        """The option as written out: long name, and the dotted path where one was given."""
        option = self.option if self.option.startswith("--") else self.flag.name
        return option + self.path

    def written(self) -> tuple[str, ...]:
        """Return the argument in the spelling that leaves nothing to interpret."""
        if len(self.values) > 1:  # never begins with a dash; a single value may, and stays attached
            return (self.name, *self.values)
        return (f"{self.name}={self.values[0]}",) if self.values else (self.name,)


def check_extra_args(args: Sequence[str], version: str, allowed: Iterable[str] | None) -> tuple[str, ...] | Problem:
    """Return the arguments in plain spelling, or the first thing that is wrong with them.

    `allowed` is what every matching policy lets pass (`--flag`: any value; `--flag=value`: this value only), in any
    spelling; None: somebody has asked the policies already. A version without captured flags accepts no arguments at
    all, because their meaning is unknown.
    """
    if not args:
        return ()
    table = flag_table(version)
    if table is None:
        message = f"cannot be checked for engine version {version}; known are {', '.join(captured_versions())}"
        return Problem(field=FIELD, value=" ".join(args), message=message)
    permitted = None if allowed is None else _permitted(table, allowed)
    written: list[str] = []
    for argument in _arguments(table, args):
        if isinstance(argument, Problem):
            return argument
        problem = _objection(argument, permitted)
        if problem is not None:
            return Problem(field=f"{FIELD}[{argument.position}]", value=args[argument.position], message=problem)
        written.extend(argument.written())
    return tuple(written)


def _objection(argument: _Argument, permitted: frozenset[str] | None) -> str | None:
    if argument.flag.name in OWNED:
        return f"sets {argument.flag.name}, which the plan decides; use the fields of spec instead"
    if permitted is not None and not _is_permitted(argument, permitted):
        listed = ", ".join(sorted(permitted)) or "none"
        return f"is not in spec.engine.allowedArgs of a matching BudgetPolicy; allowed here: {listed}"
    if not argument.path:
        wrong = next((problem for value in argument.values if (problem := argument.flag.problem(value))), None)
        return wrong and f"has a bad value: {argument.option} {wrong}"
    return None


def _is_permitted(argument: _Argument, permitted: frozenset[str]) -> bool:
    """Tell whether the flag, this key of its JSON, or each of the values given is on the list."""
    whole_flag = argument.option if argument.option.startswith("--") else argument.flag.name
    exact = {f"{argument.name}={value}" for value in argument.values}
    return not permitted.isdisjoint({argument.name, whole_flag}) or (bool(exact) and exact <= permitted)


def _permitted(table: FlagTable, allowed: Iterable[str]) -> frozenset[str]:
    """Resolve the allow-list's own spellings; an entry that the engine does not know allows nothing."""
    permitted = set()
    for entry in allowed:
        option, equals, value = entry.partition("=")
        base, dot, path = option.partition(".")
        resolved = table.resolve(base)
        if isinstance(resolved, Resolved):
            name = resolved.option if resolved.option.startswith("--") else resolved.flag.name
            permitted.add(f"{name}{dot}{path}{equals}{value}")
    return frozenset(permitted)


def _arguments(table: FlagTable, args: Sequence[str]) -> Iterator[_Argument | Problem]:
    """Walk the list as the engine's parser would; stop at the first argument that cannot be understood."""
    position = 0
    while position < len(args):
        argument = _argument(table, args, position)
        yield argument
        if isinstance(argument, Problem):
            return
        attached = "=" in args[position]
        position += 1 if attached else 1 + len(argument.values)


def _argument(table: FlagTable, args: Sequence[str], position: int) -> _Argument | Problem:
    def problem(message: str) -> Problem:
        return Problem(field=f"{FIELD}[{position}]", value=args[position], message=message)

    spelt, equals, attached = args[position].partition("=")
    if not spelt.startswith("-") or spelt.strip("-") == "":
        return problem(f"is not a flag; accepted are flags of vLLM {table.version} with their values")
    base, dot, path = spelt.partition(".")
    resolved = table.resolve(base)
    if resolved is None:
        return problem(f"is no flag of vLLM {table.version}; write flags in full, values as --flag=value")
    if isinstance(resolved, Ambiguous):
        return problem(f"could mean {', '.join(resolved.options)}; write the flag in full")
    flag, takes_json_path = resolved.flag, bool(dot)
    values = (attached,) if equals else _following(flag, takes_json_path, args[position + 1 :])
    switch = flag.value is ValueKind.SWITCH and not takes_json_path
    if switch and values:
        return problem("takes no value")
    if not switch and not values and not flag.optional:
        return problem("needs a value; write it as --flag=value")
    return _Argument(position=position, flag=flag, option=resolved.option, path=dot + path, values=values)


def _following(flag: Flag, takes_json_path: bool, rest: Sequence[str]) -> tuple[str, ...]:
    """Return the values that stand as arguments of their own behind the flag; values never begin with a dash here."""
    if flag.value is ValueKind.SWITCH and not takes_json_path:
        return ()
    values: list[str] = []
    for value in rest:
        if value.startswith("-") or (values and (takes_json_path or not flag.many)):
            break
        values.append(value)
    return tuple(values)
