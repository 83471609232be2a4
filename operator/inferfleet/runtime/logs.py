"""Log lines: JSON for machines or text for people, to standard error.

In: the wanted format. Out: a configured root logger. Must not be called by tests or libraries; the process does it
once.
"""

import logging
import sys
from datetime import UTC, datetime
from typing import Literal

import orjson


class _Json(logging.Formatter):
    """One JSON object per line; an exception is one field."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line).decode()


def configure_logs(form: Literal["json", "text"]) -> None:
    """Send everything from INFO up to standard error; Kopf's own steps only from WARNING up."""
    handler = logging.StreamHandler(sys.stderr)
    text = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    handler.setFormatter(_Json() if form == "json" else text)
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("kopf").setLevel(logging.WARNING)
