"""Wires the parts of the provider together, by its settings."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random, SystemRandom
from typing import Any

from app.action.actions import Actions
from app.action.advancing import Advancer
from app.action.hooks import Hooks
from app.action.life_cycle import Limits
from app.action.request import RequestParser
from app.auth.tokens import TokenChecker, open_tokens
from app.database import Database, DatabaseError, open_database
from app.limiter import Limiter
from app.monitoring.health import Health
from app.monitoring.metrics import Metrics
from app.monitoring.request_log import RequestLog, open_log
from app.settings import Settings, SettingsError
from app.web.introspection import introspection_document
from app.web.openapi import openapi_document
from app.web.responses import to_json
from app.work import Work


@dataclass(frozen=True)
class Provider:
    """What the handlers work with."""

    settings: Settings
    now: Callable[[], datetime]
    actions: Actions
    database: Database
    tokens: TokenChecker
    limiter: Limiter
    requests: RequestParser
    metrics: Metrics
    health: Health
    request_log: RequestLog
    introspection: bytes
    openapi: bytes

    def close(self) -> None:
        """Close the database."""
        self.database.close()


def open_provider(
    settings: Settings, *, clock: Callable[[], datetime], timer: Callable[[], float], threads: int
) -> Provider:
    """Return a provider with these settings.

    :raises SettingsError: it cannot work with them.
    """
    client_id, client_secret, scope = settings.credentials()
    request_log = open_log(settings.log_format)
    input_schema, requests = read_input_schema(settings.work)
    metrics, limiter = Metrics(), Limiter(threads)
    database = _open_database(settings, metrics)
    tokens = open_tokens(
        client_id,
        client_secret,
        scope,
        ttl_seconds=settings.token_cache_seconds,
        size=settings.token_cache_size,
        metrics=metrics,
        limiter=limiter,
    )
    return Provider(
        settings=settings,
        now=clock,
        actions=open_actions(settings, database, metrics, limiter, clock=clock, timer=timer),
        database=database,
        tokens=tokens,
        limiter=limiter,
        requests=requests,
        metrics=metrics,
        health=Health(timer, {"database": database.check, "globus_auth": tokens.check_credentials}),
        request_log=request_log,
        introspection=to_json(introspection_document(settings.work, input_schema, settings)),
        openapi=to_json(openapi_document(settings.work, input_schema, settings)),
    )


def open_actions(
    settings: Settings,
    database: Database,
    metrics: Metrics,
    limiter: Limiter,
    *,
    clock: Callable[[], datetime],
    timer: Callable[[], float],
) -> Actions:
    """Return the actions of a provider with these settings, kept in `database`."""
    # Without a seed, nobody can predict from the actions they have seen how the next one will end.
    seed = settings.random_seed
    random = SystemRandom() if seed is None else Random(seed)  # noqa: S311
    hooks = Hooks(
        settings.work,
        clock=clock,
        timer=timer,
        random=random,
        settings=settings.work_settings,
        observer=metrics,
        places=limiter,
    )
    lease = timedelta(seconds=settings.lease_seconds)
    advancer = Advancer(database, hooks, clock=clock, lease=lease, observer=metrics, places=limiter)
    limits = Limits(settings.release_after, settings.max_release_after, settings.maximum_deadline)
    return Actions(database, hooks, advancer, timer=timer, limits=limits, observer=metrics)


def read_input_schema(work: Work) -> tuple[Mapping[str, Any], RequestParser]:
    """Return the input schema of the work module, and a parser of requests with it.

    :raises SettingsError: it is not a JSON Schema.
    """
    try:
        input_schema = json.loads(work.schema.read_text("utf-8"))
        return input_schema, RequestParser(input_schema)
    except (OSError, ValueError) as error:
        raise SettingsError(f"{work.schema.name} cannot be used: {' '.join(str(error).split())}") from error


def _open_database(settings: Settings, metrics: Metrics) -> Database:
    try:
        return open_database(settings.database_url, metrics)
    except DatabaseError as error:
        raise SettingsError(str(error)) from error
