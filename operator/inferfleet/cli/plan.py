"""`inferfleet plan`: decide from YAML files alone, with the functions that the operator decides with."""

from typing import Annotated

import typer

from inferfleet.cli.decision_options import (
    AskHub,
    BudgetsRequired,
    MaxUSDPerMonth,
    WhatIf,
    WorkerImage,
)
from inferfleet.cli.exit import BadInput, answer, exit_codes
from inferfleet.cli.output import Output, OutputFormat, emit, note
from inferfleet.version import DEFAULT_WORKER_IMAGE

Files = Annotated[
    list[str] | None,
    typer.Option("--filename", "-f", help="File or directory of YAML documents, or - for stdin; may be repeated."),
]
MoreFiles = Annotated[list[str] | None, typer.Argument(metavar="[FILE]...", help="Further files or directories.")]


def plan(
    *,
    more_files: MoreFiles = None,
    filename: Files = None,
    namespace: Annotated[str, typer.Option("--namespace", "-n", help="For objects that name none.")] = "default",
    what_if: WhatIf = None,
    max_usd_per_month: MaxUSDPerMonth = None,
    worker_image: WorkerImage = DEFAULT_WORKER_IMAGE,
    budgets_required: BudgetsRequired = False,
    hub: AskHub = False,
    output: Output = OutputFormat.TABLE,
) -> None:
    """Decide from files: which GPUs, how many, at what cost, why no others. Exit status 1: not all can be served."""
    from inferfleet.cli.given import read_given
    from inferfleet.cli.hub import hub_models
    from inferfleet.cli.plan_view import table_of, values_of
    from inferfleet.cli.planning import plan_all
    from inferfleet.cli.what_if import apply_changes, read_changes
    from inferfleet.observe.documents import world_from_documents

    with exit_codes():
        changes = read_changes(what_if or (), max_usd_per_month=max_usd_per_month)
        given = read_given([*(filename or ()), *(more_files or ())], namespace=namespace)
        for text in given.ignored:
            note(f"{text} is not read")
        hub_lookup = hub_models() if hub else None
        offline = world_from_documents(given.documents, budgets_required=budgets_required, hub_lookup=hub_lookup)
        if not offline.demands:
            raise BadInput("-f: there is no InferenceDeployment among the documents; nothing to plan")
        world, demands = apply_changes(offline.world, offline.demands, changes)
        plans = plan_all(world, demands, worker_image=worker_image)
        emit([values_of(one) for one in plans], output, lambda: table_of(plans))
        answer(yes=all(one.ready for one in plans))
