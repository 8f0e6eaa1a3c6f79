"""The settings: the defaults in config.py, overridden by the environment, parsed and checked."""

from __future__ import annotations

import difflib
import os
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from flask import Config

from app.action.error import shorten
from app.action.times import parse_duration
from app.work import Setting, Work, WorkError, load_work

PREFIX = "WHATTIME_"
ROOT = Path(__file__).resolve().parent.parent
LOG_FORMATS = ("plain", "json", "off")

_SECRETS = frozenset({"CLIENT_SECRET", "DATABASE_URL", "DOCS_TOKENS"})
_LONGEST = timedelta(days=36525)
_PRINCIPAL = re.compile(r"urn:globus:(auth:identity|groups:id):[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


class SettingsError(click.ClickException):
    """Raised when a setting is wrong: one line that names it and says what would be right. Exit code 2."""

    exit_code = 2


@dataclass(frozen=True)
class Settings:
    """The checked settings; config.py says what each means. `work_settings` are those of the work module."""

    client_id: str | None
    client_secret: str | None
    scope: str | None
    database_url: str
    work: Work
    lease_seconds: float
    random_seed: int | None
    release_after: timedelta
    max_release_after: timedelta
    maximum_deadline: timedelta
    visible_to: tuple[str, ...]
    runnable_by: tuple[str, ...]
    docs_tokens: Mapping[str, str] | None
    max_content_length: int
    log_format: str
    token_cache_seconds: float
    token_cache_size: int
    work_settings: Mapping[str, Any]

    @property
    def is_local(self) -> bool:
        """Whether no credentials are set, so that only local mode works."""
        return self.client_id is None and self.client_secret is None

    @property
    def is_public(self) -> bool:
        """Whether the provider may be introspected without a token."""
        return "public" in self.visible_to

    def credentials(self) -> tuple[str, str, str]:
        """Return client id, client secret, and scope.

        :raises SettingsError: one is missing, with its name.
        """
        found = {"CLIENT_ID": self.client_id, "CLIENT_SECRET": self.client_secret, "SCOPE": self.scope}
        missing = [PREFIX + name for name, value in found.items() if value is None]
        if missing:
            raise SettingsError(
                f"{', '.join(missing)} must be set: the registration of this provider with Globus Auth."
                " To try it without one, run script/server with none of the three set."
            )
        return str(self.client_id), str(self.client_secret), str(self.scope)


def load(overrides: Mapping[str, Any] | None = None) -> Settings:
    """Read and check all settings: `overrides`, else WHATTIME_<NAME> in the environment, else the defaults.

    :raises SettingsError: a setting is unknown or wrong.
    """
    config = Config(str(ROOT))
    config.from_pyfile("config.py")
    defaults = dict(config)
    work = _work(str((overrides or {}).get("WORK", os.environ.get(f"{PREFIX}WORK", defaults["WORK"]))))
    own = {name: setting.default for name, setting in work.settings.items()}
    config.from_mapping(own)
    _refuse_unknown(set(config), overrides or {})
    config.from_prefixed_env(PREFIX.rstrip("_"), loads=str)
    config.from_mapping(overrides or {})
    values = {name: _parsed(name, config[name], defaults[name], parser) for name, parser in _SETTINGS.items()}
    work_values = {name: _parsed(name, config[name], own[name], setting) for name, setting in work.settings.items()}
    _check(work, work_values)
    generic = {name.lower(): value for name, value in values.items()}
    return Settings(**generic | {"work": work, "work_settings": work_values})


def names(settings: Settings) -> list[str]:
    """Return the names of all settings, those of the work module last."""
    generic = [field.name.upper() for field in fields(settings) if field.name != "work_settings"]
    return [*generic, *settings.work_settings]


def _work(name: str) -> Work:
    try:
        return load_work(name)
    except WorkError as error:
        raise SettingsError(f"{PREFIX}WORK={shorten(name)} is wrong: {error}") from error


def _check(work: Work, values: Mapping[str, Any]) -> None:
    if work.check_settings is None:
        return
    try:
        work.check_settings(values)
    except ValueError as error:
        message = re.sub(rf"\b({'|'.join(values)})\b", PREFIX + r"\1", str(error))
        raise SettingsError(message) from error


def _refuse_unknown(known: set[str], overrides: Mapping[str, Any]) -> None:
    given = [name.removeprefix(PREFIX) for name in os.environ if name.startswith(PREFIX)]
    for name in [*given, *overrides]:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {PREFIX}{near[0]}?" if near else f"the settings are {', '.join(sorted(known))}."
            raise SettingsError(f"unknown setting {PREFIX}{name}; {hint}")


def _parsed(name: str, value: Any, default: Any, setting: Setting) -> Any:
    """Parse a value. A default that is not text is taken as it is."""
    if value is default and not isinstance(value, str) and (default is None or name not in _SETTINGS):
        return value
    text = str(value)
    try:
        return setting.parser(text)
    except (ValueError, OverflowError):
        shown = "" if setting.secret or name in _SECRETS else f"={shorten(text if text.isprintable() else repr(text))}"
        raise SettingsError(f"{PREFIX}{name}{shown} is wrong: it must be {setting.expected}") from None


def _require(value: Any, condition: object) -> Any:
    if not condition:
        raise ValueError
    return value


def _token(text: str) -> str:
    """Return a word with only the characters that OAuth 2 allows in a scope (RFC 6749, section 3.3)."""
    return str(_require(text, re.fullmatch(r"[!#-\[\]-~]+", text)))


def _between(low: float, high: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        value = float(text)
        return float(_require(value, low <= value <= high))

    return parse


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        value = int(text)
        return int(_require(value, low <= value <= high))

    return parse


def _duration(text: str) -> timedelta:
    value = parse_duration(text, datetime.now(UTC))
    _require(value, timedelta(0) <= value <= _LONGEST)
    return value


def _principals(*words: str) -> Callable[[str], tuple[str, ...]]:
    def parse(text: str) -> tuple[str, ...]:
        names = tuple(name.strip().lower() for name in text.split(","))
        return tuple(_require(names, all(name in words or _PRINCIPAL.fullmatch(name) for name in names)))

    return parse


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        return str(_require(text.lower(), text.lower() in words))

    return parse


def _named_tokens(text: str) -> dict[str, str]:
    pairs = [entry.strip().partition("=") for entry in text.split(",")]
    return {name: token for name, _, token in _require(pairs, all(name and token for name, _, token in pairs))}


def _database_url(text: str) -> str:
    found = re.fullmatch(r"memory://|sqlite:///.+|postgres(ql(\+psycopg)?)?://.+", text)
    return re.sub(r"^postgres://", "postgresql://", str(_require(text, found)))


_DURATION = "an ISO 8601 duration of at most a hundred years, such as P30D"
_SETTINGS: dict[str, Setting] = {
    "CLIENT_ID": Setting(None, lambda text: str(uuid.UUID(text)), "the UUID of a client registered with Globus Auth"),
    "CLIENT_SECRET": Setting(None, _token, "the secret of that client, without spaces"),
    "SCOPE": Setting(None, _token, "a scope, such as https://auth.globus.org/scopes/<client id>/action_all"),
    "DATABASE_URL": Setting(
        None, _database_url, "memory://, sqlite:///actions.db, or postgresql+psycopg://USER:PASSWORD@HOST/DATABASE"
    ),
    "WORK": Setting(None, str, "the dotted name of a work module"),
    "LEASE_SECONDS": Setting(None, _between(0.1, 86400), "a number of seconds from 0.1 to 86400"),
    "RANDOM_SEED": Setting(None, int, "a whole number"),
    "RELEASE_AFTER": Setting(None, _duration, _DURATION),
    "MAX_RELEASE_AFTER": Setting(None, _duration, _DURATION),
    "MAXIMUM_DEADLINE": Setting(None, _duration, _DURATION),
    "VISIBLE_TO": Setting(
        None,
        _principals("public", "all_authenticated_users"),
        "principal URNs separated by commas, all_authenticated_users, or public",
    ),
    "RUNNABLE_BY": Setting(
        None,
        _principals("all_authenticated_users"),
        "principal URNs separated by commas, or all_authenticated_users",
    ),
    "DOCS_TOKENS": Setting(None, _named_tokens, "NAME=TOKEN, or several, separated by commas"),
    "MAX_CONTENT_LENGTH": Setting(None, _whole(1, 2**30), "a number of bytes"),
    "LOG_FORMAT": Setting(None, _one_of(*LOG_FORMATS), f"one of {', '.join(LOG_FORMATS)}"),
    "TOKEN_CACHE_SECONDS": Setting(None, _between(0, 86400), "a number of seconds, 0 or more"),
    "TOKEN_CACHE_SIZE": Setting(None, _whole(1, 2**30), "a number of tokens, 1 or more"),
}
"""The parser of each setting, and what it must be. The defaults are in config.py."""
