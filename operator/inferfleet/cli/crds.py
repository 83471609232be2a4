"""`inferfleet crds`: the CustomResourceDefinitions, printed, compared with files, or written to them."""

from pathlib import Path
from typing import Annotated

import typer

from inferfleet.cli.exit import BadInput, answer, exit_codes


def crds(
    check: Annotated[Path | None, typer.Option(help="Fail when the files in this directory are not current.")] = None,
    write: Annotated[Path | None, typer.Option(help="Write the files into this directory.")] = None,
) -> None:
    """Print the CustomResourceDefinitions of all kinds."""
    from inferfleet.api import crds as definitions

    with exit_codes():
        if check is not None and write is not None:
            raise BadInput("--check: give one of --check and --write")
        if write is not None:
            definitions.write(write)
        elif check is not None:
            _check(check)
        else:
            typer.echo("---\n".join(definitions.render().values()), nl=False)


def _check(directory: Path) -> None:
    from inferfleet.api import crds as definitions

    if not directory.is_dir():
        raise BadInput(f"--check: {directory} is not a directory")
    stale = definitions.check(directory)
    for name in stale:
        typer.echo(f"stale: {directory / name}", err=True)
    if stale:
        typer.echo(f"renew with: inferfleet crds --write {directory}", err=True)
    answer(yes=not stale)
