"""`python -m inferfleet`: the same as the `inferfleet` command."""

from inferfleet.cli.main import run

if __name__ == "__main__":
    run()
