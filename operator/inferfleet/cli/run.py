"""`inferfleet run`: the operator."""


def run() -> None:
    """Run the operator until it is told to stop; settings come from environment variables INFERFLEET_*."""
    from inferfleet.app.process import main

    main()
