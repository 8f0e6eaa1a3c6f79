"""The settings: the defaults of config.py, what the environment says instead, and whether that makes sense."""

from __future__ import annotations

import difflib
import os
import re
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from flask import Config

from app.error import shorten
from app.request_log import FORMATS
from app.times import parse_duration

PREFIX = "WHATTIME_"
ROOT = Path(__file__).resolve().parent.parent

_SECRETS = frozenset({"CLIENT_SECRET", "DATABASE_URL", "DOCS_TOKENS"})
_LONGEST = timedelta(days=36525)
_PRINCIPAL = re.compile(r"urn:globus:(auth:identity|groups:id):[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


class SettingsError(click.ClickException):
    """Raised when a setting is wrong: one line that names it and says what would be right. Exit code 2."""

    exit_code = 2


def load(overrides: Mapping[str, Any] | None = None) -> Config:
    """All settings, read and checked: `overrides`, else WHATTIME_<NAME> in the environment, else config.py.

    :raises SettingsError: one is unknown or wrong.
    """
    config = Config(str(ROOT))
    config.from_pyfile("config.py")
    defaults, known = dict(config), set(config)
    for name in [name.removeprefix(PREFIX) for name in os.environ if name.startswith(PREFIX)] + list(overrides or ()):
        if name not in known:
            raise SettingsError(_unknown(name, known))
    config.from_prefixed_env(PREFIX.rstrip("_"), loads=str)
    config.from_mapping(overrides or {})
    for name, (reader, expected) in _READERS.items():
        if config[name] is not None or defaults[name] is not None:
            config[name] = _checked(name, str(config[name]), reader, expected)
    if config["MIN_SECONDS"] > config["MAX_SECONDS"]:
        raise SettingsError(
            f"{PREFIX}MIN_SECONDS={config['MIN_SECONDS']:g} is more than {PREFIX}MAX_SECONDS={config['MAX_SECONDS']:g}"
        )
    return config


def is_local(config: Mapping[str, Any]) -> bool:
    """Whether there are no credentials, so that only local mode can work."""
    return config["CLIENT_ID"] is None and config["CLIENT_SECRET"] is None


def require_credentials(config: Mapping[str, Any]) -> None:
    """Nothing, where there is all that Globus Auth asks of a provider.

    :raises SettingsError: something is missing, with its name.
    """
    missing = [PREFIX + name for name in ("CLIENT_ID", "CLIENT_SECRET", "SCOPE") if config[name] is None]
    if missing:
        raise SettingsError(
            f"{', '.join(missing)} must be set: the registration of this provider with Globus Auth."
            " To try it without one, start it with none of the three set."
        )


def _unknown(name: str, known: set[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {PREFIX}{near[0]}?" if near else f"there are {', '.join(sorted(known))}."
    return f"{PREFIX}{name} is no setting; {hint}"


def _checked(name: str, text: str, reader: Callable[[str], Any], expected: str) -> Any:
    try:
        return reader(text)
    except (ValueError, OverflowError):
        shown = "" if name in _SECRETS else f"={shorten(text if text.isprintable() else repr(text))}"
        raise SettingsError(f"{PREFIX}{name}{shown} is wrong: it must be {expected}") from None


def _require(value: Any, condition: object) -> Any:
    if not condition:
        raise ValueError
    return value


def _token(text: str) -> str:
    """A word of the characters that OAuth 2 allows in a scope (RFC 6749, section 3.3)."""
    return str(_require(text, re.fullmatch(r"[!#-\[\]-~]+", text)))


def _between(low: float, high: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        value = float(text)
        return float(_require(value, low <= value <= high))

    return read


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        value = int(text)
        return int(_require(value, low <= value <= high))

    return read


def _duration(text: str) -> timedelta:
    value = parse_duration(text, datetime.now(UTC))
    _require(value, timedelta(0) <= value <= _LONGEST)
    return value


def _principals(*words: str) -> Callable[[str], tuple[str, ...]]:
    def read(text: str) -> tuple[str, ...]:
        names = tuple(name.strip().lower() for name in text.split(","))
        return tuple(_require(names, all(name in words or _PRINCIPAL.fullmatch(name) for name in names)))

    return read


def _one_of(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        return str(_require(text.lower(), text.lower() in words))

    return read


def _named_tokens(text: str) -> dict[str, str]:
    pairs = [entry.strip().partition("=") for entry in text.split(",")]
    return {name: token for name, _, token in _require(pairs, all(name and token for name, _, token in pairs))}


def _database_url(text: str) -> str:
    return str(_require(text, re.fullmatch(r"memory://|sqlite:///.+|postgresql(\+psycopg)?://.+", text)))


_DURATION = (_duration, "an ISO 8601 duration of at most a hundred years, such as P30D")
_SECONDS = (_between(0, _LONGEST.total_seconds()), "a number of seconds, 0 or more")
_READERS: dict[str, tuple[Callable[[str], Any], str]] = {
    "CLIENT_ID": (lambda text: str(uuid.UUID(text)), "the UUID of a client registered with Globus Auth"),
    "CLIENT_SECRET": (_token, "the secret of that client, without blanks"),
    "SCOPE": (_token, "a scope, such as https://auth.globus.org/scopes/<client id>/action_all"),
    "LOG_FORMAT": (_one_of(*FORMATS), f"one of {', '.join(FORMATS)}"),
    "DATABASE_URL": (
        _database_url,
        "memory://, sqlite:///actions.db, or postgresql+psycopg://USER:PASSWORD@HOST/DATABASE",
    ),
    "MIN_SECONDS": _SECONDS,
    "MAX_SECONDS": _SECONDS,
    "FAILURE_RATE": (_between(0, 1), "a number from 0 to 1"),
    "RANDOM_SEED": (int, "a whole number"),
    "RELEASE_AFTER": _DURATION,
    "MAX_RELEASE_AFTER": _DURATION,
    "MAXIMUM_DEADLINE": _DURATION,
    "VISIBLE_TO": (
        _principals("public", "all_authenticated_users"),
        "principal URNs separated by commas, all_authenticated_users, or public",
    ),
    "RUNNABLE_BY": (
        _principals("all_authenticated_users"),
        "principal URNs separated by commas, or all_authenticated_users",
    ),
    "DOCS_TOKENS": (_named_tokens, "NAME=TOKEN, or several with commas between them"),
    "MAX_CONTENT_LENGTH": (_whole(1, 2**30), "a number of bytes"),
    "TOKEN_CACHE_SECONDS": (_between(0, 86400), "a number of seconds, 0 or more"),
    "TOKEN_CACHE_SIZE": (_whole(1, 2**30), "a number of tokens, 1 or more"),
}
