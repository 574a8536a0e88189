"""How a server logs: warnings and errors to stderr, in development each request to stdout."""

from __future__ import annotations

import logging
from typing import Any, Final

LINE: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"
REQUEST: Final = "%(time)s  %(status)s  %(method)s %(path)s  %(dt_ms).1f ms"


class Expected(logging.Filter):
    """Leaves out that a worker ended which could not load the application: the reason has been shown."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is shown."""
        return not record.getMessage().startswith("Unexpected exit from worker")


def logging_config(*, production: bool) -> dict[str, Any]:
    """The configuration of Python's logging for a server and its workers (`logging.config.dictConfig`).

    In production the words of `as_system` are among what is logged.
    """
    level = "INFO" if production else "WARNING"
    return {
        "filters": {"expected": {"()": Expected}},
        "formatters": {
            "line": {"format": LINE},
            "generic": {"format": "%(levelname)s %(message)s"},
            "access": {"format": "%(message)s"},
        },
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "stream": "ext://sys.stderr", "formatter": "line"},
            "console": {
                "class": "logging.StreamHandler",
                "stream": "ext://sys.stderr",
                "formatter": "generic",
                "filters": [] if production else ["expected"],
            },
            "access": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "access"},
        },
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {
            "kingpost": {"level": level},
            "_granian": {"handlers": ["console"], "propagate": False},
            "granian.access": {"handlers": ["access"], "level": "INFO", "propagate": False},
        },
    }


def log_access() -> None:
    """What a command does as the system is logged to stderr, unless the application has it logged elsewhere."""
    log = logging.getLogger("kingpost.access")
    log.setLevel(logging.INFO)
    if not log.hasHandlers():
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter(LINE))
        log.addHandler(handler)
