"""The exceptions of flows: invalid definitions, errors that a flow can catch, and errors from providers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

RUNTIME = "States.Runtime"
NO_CHOICE = "States.NoChoiceMatched"
RESULT_PATH = "States.ResultPathMatchFailure"
TOO_LARGE = "States.DataLimitExceeded"
UNABLE = "ActionUnableToRun"
FAILED = "ActionFailedException"
TIMEOUT = "ActionTimeout"
EXPIRED = "Flows.WebInputExpired"
LIMIT = "LocalRunner.LimitExceeded"
CATCH_ALL = ("States.ALL", "States.All")

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Finding:
    """One error or warning about a definition."""

    text: str
    state: str | None = None
    field: str | None = None
    line: int | None = None
    severity: Severity = "error"

    def __str__(self) -> str:
        place = [f"line {self.line}"] if self.line else []
        place += [f'state "{self.state}"'] if self.state is not None else []
        place += [self.field] if self.field else []
        warning = "warning: " if self.severity == "warning" else ""
        text = f"{', '.join(place)}: {warning}{self.text}" if place else f"{warning}{self.text}"
        return " ".join(text.split())  # a name in it may have line breaks


class DefinitionError(Exception):
    """Raised when a definition or the input of a run is invalid."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("\n".join(map(str, findings)))
        self.findings = list(findings)


class PathError(ValueError):
    """Raised when a text is not a JSONPath that a flow can use."""


class ExpressionError(ValueError):
    """Raised when an expression is invalid, or cannot be evaluated within the limits."""


class FlowError(Exception):
    """Raised when a state fails. A Catch of the state may handle it; otherwise the run fails.

    :param error: the name that a Catch compares, such as ``ActionFailedException``.
    :param cause: what happened, in words.
    :param document: the provider's response, if there was one.
    """

    def __init__(self, error: str, cause: str, document: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"{error}: {cause}")
        self.error = error
        self.cause = cause
        self.document = document

    @property
    def output(self) -> dict[str, Any]:
        """Return what a Catch puts into the state of the run."""
        return {**(self.document or {}), "Error": self.error, "Cause": self.cause}


class ProviderError(Exception):
    """Raised when a provider refuses a request or does not respond.

    :param status: the HTTP status of the response; None if there was no response.
    :param document: the body of the response, if it was a JSON object.
    """

    def __init__(self, text: str, status: int | None = None, document: Mapping[str, Any] | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.document = document

    @property
    def is_transient(self) -> bool:
        """Whether a retry may help."""
        return self.status is None or self.status == 429 or self.status >= 500
