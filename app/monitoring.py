"""What the operator's tools ask, without a token: is it well, and what are its figures? They show no action."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from flask import Response, current_app

from app.metrics import CONTENT_TYPE
from app.provider import ActionProvider, Answer


def health() -> tuple[dict[str, Any], int]:
    report = _provider().health.report()
    return report, 200 if report["status"] == "ok" else 503


def metrics() -> Response:
    return Answer(_provider().metrics.render(), content_type=CONTENT_TYPE)


def _provider() -> ActionProvider:
    return cast(ActionProvider, current_app)


PAGES: tuple[tuple[str, Callable[..., Any]], ...] = (("/health", health), ("/metrics", metrics))
