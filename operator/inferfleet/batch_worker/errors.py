"""Why a batch cannot go on; `main` turns each into an exit code that the Job's failure policy understands."""


class BadInputError(Exception):
    """Input or arguments can never work. The message names what and where; a retry would only cost money."""


class EngineLostError(Exception):
    """The engine went away under a line more often than chance explains; who is to blame is still open."""


class OutsideError(Exception):
    """Something outside failed (network, store, engine). What is finished is kept; a retry goes on from there."""
