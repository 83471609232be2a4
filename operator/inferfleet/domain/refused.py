"""Every "no, because": a reason that programs read and a sentence that people read, and questions asked in order.

`Refused` is what a question answers when it objects. A `Chain` asks named questions until one objects, so that the
order of the reasons is written in one place. Values only; what is asked is the business of whoever builds the chain.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Generic, ParamSpec, TypeVar

Words = str | Callable[[], str]
"""A sentence, or what will word it from values that do not change any more: most refusals are never read."""

Why_co = TypeVar("Why_co", bound=StrEnum, covariant=True)
Asked = ParamSpec("Asked")


class Refused(Generic[Why_co]):
    """Why something is not done, worded when somebody reads it."""

    __slots__ = ("_words", "reason")

    def __init__(self, reason: Why_co, words: Words) -> None:
        """Take the reason, and the sentence or what will word it."""
        self.reason = reason
        self._words = words

    @property
    def message(self) -> str:
        """The sentence, with its numbers."""
        if not isinstance(self._words, str):
            self._words = self._words()
        return self._words

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Refused) and (self.reason, self.message) == (other.reason, other.message)

    def __hash__(self) -> int:
        return hash((self.reason, self.message))

    def __repr__(self) -> str:
        return f"Refused({self.reason!s}, {self.message!r})"


class Chain(Generic[Asked, Why_co]):
    """Questions in the order in which they are asked, each with the reason that its objection gives.

    A question returns the words of its objection, None when it has none.
    """

    def __init__(self, *questions: tuple[Why_co, Callable[Asked, Words | None]]) -> None:
        """Take the questions with their reasons."""
        self._questions = questions

    def refusal(self, *asked: Asked.args, **named: Asked.kwargs) -> Refused[Why_co] | None:
        """Ask every question in order; return the first objection, None when nobody objects."""
        for reason, question in self._questions:
            words = question(*asked, **named)
            if words is not None:
                return Refused(reason, words)
        return None
