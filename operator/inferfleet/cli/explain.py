"""`inferfleet explain`: the decision for one object of a live cluster, its pods, and its conditions."""

from pathlib import Path
from typing import Annotated

import typer

from inferfleet.cli.decision_options import (
    AskHubAsInstalled,
    BudgetsRequired,
    MaxUSDPerMonth,
    WhatIf,
    WorkerImage,
)
from inferfleet.cli.exit import answer, exit_codes
from inferfleet.cli.output import Output, OutputFormat, emit, note
from inferfleet.version import DEFAULT_WORKER_IMAGE


def explain(
    target: Annotated[str, typer.Argument(metavar="infd/NAME", help="The InferenceDeployment.")],
    *,
    namespace: Annotated[
        str | None, typer.Option("--namespace", "-n", help="Its namespace; absent: that of the context.")
    ] = None,
    kubeconfig: Annotated[Path | None, typer.Option(help="Absent: KUBECONFIG, the usual file, or this pod's.")] = None,
    operator_namespace: Annotated[
        str, typer.Option(help="Where the operator runs and keeps its calibrations.")
    ] = "inferfleet-system",
    context: Annotated[str | None, typer.Option(help="Context of the kubeconfig; absent: the current one.")] = None,
    what_if: WhatIf = None,
    max_usd_per_month: MaxUSDPerMonth = None,
    worker_image: WorkerImage = DEFAULT_WORKER_IMAGE,
    budgets_required: BudgetsRequired = False,
    hub: AskHubAsInstalled = True,
    output: Output = OutputFormat.TABLE,
) -> None:
    """Explain what the operator decides for one deployment of the live cluster. Exit status 1: it cannot be served."""
    from inferfleet.cli.cluster import default_namespace, kubeconfig_path, read_cluster
    from inferfleet.cli.explain_view import table_of, values_of
    from inferfleet.cli.explaining import Installed, explain_one, name_of
    from inferfleet.cli.hub import hub_models
    from inferfleet.cli.what_if import read_changes
    from inferfleet.domain.keys import Key, Kind
    from inferfleet.observe.hub_cache import hub_is_off

    with exit_codes():
        name = name_of(target)
        changes = read_changes(what_if or (), max_usd_per_month=max_usd_per_month)
        file = kubeconfig_path(kubeconfig)
        key = Key(Kind.INFERENCE_DEPLOYMENT, namespace or default_namespace(file, context), name)
        reading = read_cluster(file, context, operator_namespace=operator_namespace)
        for gap in reading.gaps:
            note(gap)
        installed = Installed(
            worker_image=worker_image,
            budgets_required=budgets_required,
            hub_lookup=hub_models() if hub else hub_is_off,
        )
        found = explain_one(reading, key, changes=changes, installed=installed)
        emit(values_of(found), output, lambda: table_of(found))
        answer(yes=found.plan is not None and found.plan.ready)
