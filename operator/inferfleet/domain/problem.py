"""What is wrong with a value somebody wrote: which field, which value, and what would be accepted."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One refusal.

    `field` is the path in the object (`spec.engine.extraArgs[1]`), `message` names the accepted values.
    """

    field: str
    value: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.value!r} {self.message}"
