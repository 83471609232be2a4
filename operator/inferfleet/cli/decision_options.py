"""The options that `plan` and `explain` share.

In: nothing. Out: annotated types for command signatures. Must import nothing heavy: every command's help needs it.
"""

from typing import Annotated

import typer

WhatIf = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CHANGE",
        help="Decide as if: price:GPU_OR_POOL=USD (per GPU-hour), rate=N or rate:NAME=N (requests per second), "
        "no-pool:NAME. May be repeated.",
    ),
]
MaxUSDPerMonth = Annotated[
    str | None, typer.Option("--max-usd-per-month", metavar="USD", help="The best plan under this total.")
]
WorkerImage = Annotated[
    str, typer.Option(envvar="INFERFLEET_WORKER_IMAGE", help="Image of batch workers in manifests.")
]
BudgetsRequired = Annotated[
    bool,
    typer.Option(
        "--budgets-required",
        envvar="INFERFLEET_BUDGETS_REQUIRED",
        help="Refuse namespaces that no BudgetPolicy matches, as the operator may be installed to do.",
    ),
]
AskHub = Annotated[
    bool, typer.Option("--hub/--no-hub", help="Ask INFERFLEET_HF_ENDPOINT about models that nothing here describes.")
]
AskHubAsInstalled = Annotated[
    bool,
    typer.Option(
        "--hub/--no-hub",
        envvar="INFERFLEET_HUB_ENABLED",
        help="Ask INFERFLEET_HF_ENDPOINT about models that nothing describes, as the operator is installed to do.",
    ),
]
