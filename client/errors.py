"""Convert any error to a message and an exit code."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import click
import globus_sdk
from globus_sdk.login_flows import CommandLineLoginFlowEOFError, LocalServerLoginError

from .body import BodyError
from .console import Console, one_line
from .polling import BadResponse
from .reporting import reason

FAILED, USAGE, NOT_ALLOWED, NOT_FOUND, CONFLICT, TROUBLE, WAITING = 1, 2, 3, 4, 5, 6, 7
INTERRUPTED = 130

MOST_CHARACTERS = 10_000
"""How much of an HTML page is searched for its text: the time grows with the square of this."""

_EXIT_CODES = {400: USAGE, 401: NOT_ALLOWED, 403: NOT_ALLOWED, 404: NOT_FOUND, 405: NOT_FOUND, 409: CONFLICT}
_EXIT_CODES |= {410: NOT_FOUND, 412: CONFLICT, 413: USAGE, 414: USAGE, 422: USAGE}


class Refusal(Exception):
    """Raised when a command cannot do what it was asked to; has the exit code."""

    def __init__(self, text: str, exit_code: int) -> None:
        super().__init__(text)
        self.exit_code = exit_code


def explain(error: Exception, console: Console) -> tuple[str, int]:
    """Return the message and the exit code for an error."""
    for kind, explanation in _EXPLANATIONS:
        if isinstance(error, kind):
            return explanation(error, console)
    return f"{type(error).__name__}: {console.brief(str(error))}", TROUBLE


def _of_globus_auth(error: globus_sdk.AuthAPIError, console: Console) -> tuple[str, int]:
    if error.http_status >= 500 or error.http_status == 429:
        return f"Globus Auth has a problem: {_response(error, console)}", TROUBLE
    hint = "" if error.code == "invalid_client" else " (`login --force` logs in again.)"
    return f"Globus Auth refused: {_response(error, console)}{hint}", NOT_ALLOWED


def _of_the_provider(error: globus_sdk.GlobusAPIError, console: Console) -> tuple[str, int]:
    return _response(error, console), _EXIT_CODES.get(error.http_status, TROUBLE)


def _of_the_sdk(error: globus_sdk.GlobusError, console: Console) -> tuple[str, int]:
    if type(error).__name__ == "IdentityMismatchError":  # its module has another name in globus-sdk 4
        return "You are already logged in as another person: `logout` first.", NOT_ALLOWED
    return console.brief(str(error)), NOT_ALLOWED


def _response(error: globus_sdk.GlobusAPIError, console: Console) -> str:
    """Return the HTTP status and what the provider says."""
    code = error.code if error.code not in (None, "Error") else error.http_reason
    sentences = list(dict.fromkeys(_sentences(error, console)))
    head = f"{error.http_status} {one_line(str(code or ''))}".rstrip()
    if len(sentences) > 1:
        return "\n".join([f"{head}:", *(f"  - {sentence}" for sentence in sentences)])
    return f"{head}: {sentences[0]}" if sentences else head


def _sentences(error: globus_sdk.GlobusAPIError, console: Console) -> Iterator[str]:
    if error.messages:
        yield from (console.brief(message) for message in error.messages[:20])
        return
    document = error.raw_json
    names = ("description", "error_description", "error")
    told = next((document[name] for name in names if document.get(name)), None) if isinstance(document, dict) else None
    text = console.hide(error.text if told is None else str(told))[:MOST_CHARACTERS]
    text = re.sub(r"(?s)<(script|style|title).*?(?:</\1>|\Z)|<[^>]*>", " ", text)
    text = " ".join(html.unescape(text).split())
    if text:
        yield console.brief(text)


def _of_usage(error: click.UsageError, _console: Console) -> tuple[str, int]:
    text, command = error.format_message(), error.ctx.command.name if error.ctx else None
    if isinstance(error, click.MissingParameter):
        text = " ".join(text.split())  # it puts each choice on a separate line
    if command == "run" and text.startswith("Got unexpected extra argument"):
        text += ". (Give the input with --body.)"
    if isinstance(error, click.NoSuchOption) and isinstance(error.ctx and error.ctx.command, click.Group):
        text += f" (Options follow the command: globus-action list {error.option_name} …)"
    return text, error.exit_code


def _no_response(error: globus_sdk.NetworkError) -> str:
    cause = error.underlying_exception
    request = getattr(cause, "request", None)
    host = urlsplit(getattr(request, "url", None) or "").netloc
    why = reason(cause)
    hint = " Is it running, and is its URL right?" if "refused" in why else ""
    return f"No response from {host or 'the server'}: {why}.{hint}"


_EXPLANATIONS: tuple[tuple[type[Exception], Callable[[Any, Console], tuple[str, int]]], ...] = (
    (Refusal, lambda error, _console: (str(error), error.exit_code)),
    (click.UsageError, _of_usage),
    (click.ClickException, lambda error, _console: (error.format_message(), error.exit_code)),
    (BodyError, lambda error, _console: (f"--body: {error}", USAGE)),
    (globus_sdk.AuthAPIError, _of_globus_auth),
    (globus_sdk.GlobusAPIError, _of_the_provider),
    (globus_sdk.NetworkError, lambda error, _console: (_no_response(error), TROUBLE)),
    (BadResponse, lambda error, _console: (str(error), TROUBLE)),
    (RecursionError, lambda _error, _console: ("The provider's response is nested too deeply.", TROUBLE)),
    (
        CommandLineLoginFlowEOFError,
        lambda error, _console: (f"The login was not completed: {error}", NOT_ALLOWED),
    ),
    (LocalServerLoginError, lambda error, _console: (f"The login was not completed: {error}", NOT_ALLOWED)),
    (globus_sdk.GlobusError, _of_the_sdk),
    (OSError, lambda error, _console: (f"{error.filename or 'Input or output'}: {error.strerror or error}", TROUBLE)),
)
"""The first class that matches is used."""
