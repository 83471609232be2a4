"""Learning from engines: read what they say, judge it, remember it, and let it correct the next decision.

Start at `Learning`. Judging is `inferfleet.plan.teaching` and `inferfleet.plan.deaths`; nothing here moves what runs.
"""

from inferfleet.app.learning.book import LessonBook
from inferfleet.app.learning.learning import Learning, learned
from inferfleet.app.learning.sources import sources
from inferfleet.app.learning.storage import LessonStorage

__all__ = ["Learning", "LessonBook", "LessonStorage", "learned", "sources"]
