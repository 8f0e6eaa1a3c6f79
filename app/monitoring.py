"""What the operator's tools ask, without a token: is it well, and what are its figures? They show no action."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response

from app.metrics import CONTENT_TYPE
from app.provider import Answer, this_call


def health() -> tuple[dict[str, Any], int]:
    report = this_call().provider.health.report()
    return report, 200 if report["status"] == "ok" else 503


def metrics() -> Response:
    return Answer(this_call().provider.metrics.render(), content_type=CONTENT_TYPE)


PAGES: tuple[tuple[str, Callable[..., Any]], ...] = (("/health", health), ("/metrics", metrics))
