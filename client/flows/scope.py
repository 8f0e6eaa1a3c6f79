"""What the paths and expressions of a state see: the state of the run and ``$._context``, for a limited time."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import LIMIT, RUNTIME, ExpressionError, FlowError
from .expressions import parse
from .paths import CONTEXT, compile_path

LONGEST_SECONDS = 5.0
"""How much CPU time the paths and expressions of one state may take."""


@dataclass(frozen=True)
class Scope:
    """The data, and when evaluation began.

    :param context: the value of ``$._context``.
    """

    data: Any
    context: Mapping[str, Any]
    _began: float = field(default_factory=time.thread_time)

    def within(self, data: Any) -> Scope:
        """Return the scope of a part of the data, with the same time limit."""
        return Scope(data, self.context, self._began)

    @property
    def _visible(self) -> Any:
        if time.thread_time() - self._began > LONGEST_SECONDS:
            raise FlowError(LIMIT, f"The paths and expressions of the state take longer than {LONGEST_SECONDS:g} s.")
        return {**self.data, CONTEXT: self.context} if isinstance(self.data, Mapping) else self.data

    def find(self, path: str, name: str) -> Any:
        """Return the value that a path names.

        :param name: the field of the state that has the path, for the error.
        :raises FlowError: there is none, or it takes too long.
        """
        try:
            return compile_path(path).find(self._visible)
        except LookupError:
            cause = f"The path '{path}' specified for the field '{name}' could not be found in the state input."
            raise FlowError(RUNTIME, cause) from None

    def has(self, path: str) -> bool:
        """Return whether a path names anything."""
        compiled = compile_path(path)
        try:
            return bool(compiled.find(self._visible)) or compiled.is_definite
        except LookupError:
            return False

    def evaluate(self, expression: str, name: str) -> Any:
        """Return the value of an expression.

        :param name: the field of the state that has the expression, for the error.
        :raises FlowError: it cannot be evaluated, or it takes too long.
        """
        try:
            return parse(expression).evaluate(self._visible)
        except ExpressionError as error:
            raise FlowError(RUNTIME, f"The expression of the field '{name}' failed: {error}") from error
