"""Blueprints without Flask's automatic OPTIONS: only `/` answers a CORS preflight."""

from __future__ import annotations

from typing import Any

from flask import Blueprint


class Routes(Blueprint):
    """A blueprint whose routes answer only the methods they declare."""

    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: Any = None,
        provide_automatic_options: bool | None = False,
        **options: Any,
    ) -> None:
        super().add_url_rule(rule, endpoint, view_func, provide_automatic_options, **options)
