"""Parse expressions, as in ``"key.=": "a.b + 1"``: the part of Python that simpleeval knows, and JSONPath in backticks.

A dotted name reads keys of JSON objects, never attributes of Python objects; ``d.items`` is the key ``items``.
"""

from __future__ import annotations

import ast
import functools
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import ExpressionError, PathError
from .evaluation import Evaluator
from .functions import FUNCTIONS, METHODS
from .paths import compile_path

LONGEST_EXPRESSION = 10_000

_PLACEHOLDER = "__path_{}__"
_TOKENS = re.compile(
    r"""('{3}.*?'{3}|"{3}.*?"{3}|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")|`(\$[^`]*)`|([^'"`]+|.)""", re.DOTALL
)
_NODES = (
    *(ast.expr_context, ast.operator, ast.unaryop, ast.boolop, ast.cmpop),
    *(ast.Name, ast.Constant, ast.UnaryOp, ast.BinOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.Call, ast.keyword),
    *(ast.Subscript, ast.Slice, ast.Attribute, ast.Dict, ast.List, ast.Tuple, ast.Set, ast.Starred),
    *(ast.ListComp, ast.GeneratorExp, ast.DictComp, ast.comprehension, ast.JoinedStr, ast.FormattedValue),
)


@dataclass(frozen=True)
class Expression:
    """A parsed expression that contains only supported syntax."""

    text: str
    tree: ast.expr
    paths: Mapping[str, str]
    """The JSONPaths from backticks, by the names that replace them in `tree`."""

    def evaluate(self, data: Any) -> Any:
        """Return its value; the top-level keys of `data` are the names.

        :raises ExpressionError: a name is not defined, an operation is impossible, or a limit is exceeded.
        """
        try:
            return Evaluator(data, self.paths).run(self.tree)
        except ExpressionError:
            raise
        except RecursionError as error:
            raise ExpressionError("It is nested too deeply.") from error
        except Exception as error:  # anything that Python's operators and methods raise
            raise ExpressionError(f"{type(error).__name__}: {str(error)[:200]}") from error


@functools.lru_cache(maxsize=1024)
def parse(text: str) -> Expression:
    """Parse an expression, and check that it uses only supported syntax.

    :raises ExpressionError: it is not an expression, or uses unsupported syntax.
    """
    if len(text) > LONGEST_EXPRESSION:
        raise ExpressionError(f"The expression is longer than {LONGEST_EXPRESSION:,} characters.")
    if not text.strip():
        raise ExpressionError("The expression is empty.")
    source, paths = _without_backticks(text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # for example of "\d"
            tree = ast.parse(f"(\n{source}\n)", mode="eval").body
    except (SyntaxError, ValueError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        raise ExpressionError(f"It is not an expression: {reason}.") from error
    except (RecursionError, MemoryError) as error:
        raise ExpressionError("It is nested too deeply.") from error
    for node in ast.walk(tree):
        _check_node(node)
    return Expression(text, tree, paths)


def _without_backticks(text: str) -> tuple[str, dict[str, str]]:
    """Return the expression with names in place of `` `$.path` ``, and the path of each name."""
    if "__path_" in text:
        raise ExpressionError("Names with '__path_' are reserved.")
    paths: dict[str, str] = {}

    def replace(found: re.Match[str]) -> str:
        literal, path, other = found.groups()
        if literal is not None:  # a line break inside a string belongs to it
            return literal if literal[:3] in ("'''", '"""') else literal.replace("\r", "\\r").replace("\n", "\\n")
        if path is None:
            return str(other)
        try:
            compile_path(path)
        except PathError as error:
            raise ExpressionError(str(error)) from error
        name = _PLACEHOLDER.format(len(paths))
        paths[name] = path
        return f" {name} "

    return _TOKENS.sub(replace, text), paths


def _check_node(node: ast.AST) -> None:
    kind = type(node).__name__
    if not isinstance(node, _NODES) or (isinstance(node, ast.comprehension) and node.is_async):
        raise ExpressionError(f"{ {'NamedExpr': ':='}.get(kind, kind) } is not available in expressions.")
    if isinstance(node, ast.Attribute) and node.attr.startswith("__"):
        raise ExpressionError(f"{node.attr!r} is not available in expressions.")
    if isinstance(node, ast.FormattedValue) and (node.format_spec is not None or node.conversion != -1):
        raise ExpressionError("Formats in f-strings are not available in expressions.")
    if isinstance(node, ast.Constant) and not isinstance(node.value, (str, int, float, bool, type(None))):
        raise ExpressionError(f"{node.value!r} is not a JSON value.")
    if isinstance(node, ast.keyword) and node.arg is None:
        raise ExpressionError("Arguments with ** are not available in expressions.")
    if isinstance(node, ast.Call):
        _check_call(node.func)


def _check_call(called: ast.expr) -> None:
    if isinstance(called, ast.Name):
        if called.id not in FUNCTIONS:
            raise ExpressionError(
                f"There is no function {called.id!r}. The functions are {', '.join(sorted(FUNCTIONS))}."
            )
    elif not isinstance(called, ast.Attribute):
        raise ExpressionError("Only functions and methods can be called.")
    elif not any(called.attr in names for names in METHODS.values()):
        raise ExpressionError(f"There is no method {called.attr!r} in expressions.")
