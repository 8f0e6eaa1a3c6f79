"""Evaluate a parsed expression with simpleeval, without any access to Python's objects, and within a budget."""

from __future__ import annotations

import ast
import functools
import math
from collections.abc import Callable, Mapping
from typing import Any

import simpleeval

from .errors import ExpressionError, PathError
from .functions import DEEPEST, FUNCTIONS, LARGEST_VALUE, METHODS, OPERATORS, as_text, limit, tree_size
from .paths import Path, compile_path

MOST_STEPS = 200_000
"""How many parts of an expression may be evaluated. Each takes a few microseconds."""
MOST_ITEMS_MADE = 2_000_000
"""How many characters and items all intermediate values may have together."""
CONSTANTS = {"True": True, "False": False, "None": None, "true": True, "false": False, "null": None}
_VIEWS: tuple[type, ...] = (type({}.keys()), type({}.values()), type({}.items()))


class Evaluator(simpleeval.EvalWithCompoundTypes):  # type: ignore[misc] # simpleeval has no types
    """Evaluates one expression once.

    simpleeval also looks up names as attributes of Python objects; here they are only keys of JSON objects.

    :param data: the state of the run; its top-level keys are names in the expression.
    :param paths: additional names, each with the JSONPath of its value.
    """

    def __init__(self, data: Any, paths: Mapping[str, str]) -> None:
        super().__init__(operators=dict(OPERATORS), functions={}, names={})
        self.functions = {name: functools.partial(function, self) for name, function in FUNCTIONS.items()}
        self._data = data
        self._paths = paths
        self._steps = MOST_STEPS
        self._items = MOST_ITEMS_MADE

    def run(self, tree: ast.expr) -> Any:
        """Return the value of the expression, as a JSON value."""
        return _as_json(self.eval("", tree), 0, [LARGEST_VALUE])

    def find_dotted(self, path: Any) -> Any:
        """Return the value at a path such as ``a.b[0].c``, for ``is_present`` and ``getattr``.

        :raises LookupError: the value does not exist.
        """
        if not isinstance(path, str) or not path:
            raise ExpressionError("The first argument must be a path such as 'a.b[0].c'.")
        try:
            return self._find(compile_path(path if path.startswith("$") else f"$.{path}"))
        except PathError as error:
            raise ExpressionError(str(error)) from error

    def _find(self, path: Path) -> Any:
        if not path.is_definite:
            self._take_steps(tree_size(self._data))  # it may look at all of it
        return path.find(self._data)

    def _eval(self, node: ast.AST) -> Any:
        self._take_steps(1)
        handler = self.nodes.get(type(node))
        if handler is None:
            raise ExpressionError(f"{type(node).__name__} is not available here.")
        result = handler(node)
        if not isinstance(node, (ast.Name, ast.Attribute)) and isinstance(result, (str, list, tuple, dict)):
            self._make(len(result))
        return result

    def _take_steps(self, count: int) -> None:
        self._steps -= count
        if self._steps < 0:
            raise ExpressionError(f"It takes more than {MOST_STEPS:,} steps.")

    def _make(self, size: int) -> None:
        limit(size)
        self._items -= size
        if self._items < 0:
            raise ExpressionError(f"All values together are larger than {MOST_ITEMS_MADE:,} characters or items.")

    def _eval_name(self, node: ast.Name) -> Any:
        if node.id in self._paths:
            path = self._paths[node.id]
            try:
                return self._find(compile_path(path))
            except LookupError:
                raise ExpressionError(f"The path '{path}' could not be found in the state.") from None
        if isinstance(self._data, Mapping) and node.id in self._data:
            return self._data[node.id]
        if node.id in CONSTANTS:
            return CONSTANTS[node.id]
        raise ExpressionError(f"The name {node.id!r} is not defined.")

    def _eval_attribute(self, node: ast.Attribute) -> Any:
        value = self._eval(node.value)
        if not isinstance(value, dict):
            raise ExpressionError(f"{_kind(value)} has no field {node.attr!r}.")
        if node.attr not in value:
            raise ExpressionError(f"There is no field {node.attr!r}.")
        return value[node.attr]

    def _eval_subscript(self, node: ast.Subscript) -> Any:
        value = self._eval(node.value)
        if not isinstance(value, (dict, list, tuple, str)):
            raise ExpressionError(f"{_kind(value)} has no items.")
        key = self._eval(node.slice)
        try:
            return value[key]
        except LookupError:
            raise ExpressionError(f"There is no item [{str(key)[:80]!r}].") from None

    def _eval_compare(self, node: ast.Compare) -> Any:
        left = self._eval(node.left)
        for operation, comparator in zip(node.ops, node.comparators, strict=True):
            right = self._eval(comparator)
            for side in (left, right):
                if isinstance(side, (dict, list, tuple)):
                    self._take_steps(tree_size(side) // 5)
            if not self.operators[type(operation)](left, right):
                return False
            left = right
        return True

    def _eval_call(self, node: ast.Call) -> Any:
        if isinstance(node.func, ast.Attribute):
            call = self._method(self._eval(node.func.value), node.func.attr)
        else:
            call = self.functions[getattr(node.func, "id", "")]
        arguments: list[Any] = []
        for each in node.args:
            if isinstance(each, ast.Starred):
                arguments += self._eval(each.value)
            else:
                arguments.append(self._eval(each))
        named = {str(each.arg): self._eval(each.value) for each in node.keywords}
        result: Any = call(*arguments, **named)
        return list(result) if type(result) in _VIEWS else result

    def _method(self, owner: Any, name: str) -> Callable[..., Any]:
        names = next((names for kind, names in METHODS.items() if isinstance(owner, kind)), frozenset())
        if name not in names:
            raise ExpressionError(f"{_kind(owner)} has no method {name!r}.")
        self._take_steps((len(owner) if isinstance(owner, str) else tree_size(owner)) // 100)
        if name in ("replace", "join"):
            return functools.partial(self._replace if name == "replace" else self._join, owner)
        method: Callable[..., Any] = getattr(owner, name)
        return method

    def _replace(self, text: str, old: str, new: str, count: int = -1) -> str:
        times = text.count(old) if count < 0 else min(count, text.count(old))
        limit(len(text) + times * max(0, len(new) - len(old)))
        return text.replace(old, new, count)

    def _join(self, separator: str, parts: Any) -> str:
        parts = list(parts)
        limit(sum(map(len, parts)) + len(separator) * len(parts))
        return separator.join(parts)

    def _eval_set(self, node: ast.Set) -> Any:
        return list(dict.fromkeys(self._eval(each) for each in node.elts))

    def _eval_formattedvalue(self, node: ast.FormattedValue) -> str:
        return as_text(self._eval(node.value))


def _kind(value: Any) -> str:
    names = {dict: "An object", list: "A list", tuple: "A list", str: "A string", bool: "A boolean", type(None): "null"}
    return names.get(type(value), "A number")


def _as_json(value: Any, depth: int, left: list[int]) -> Any:
    """Return the value as a JSON value: tuples become lists, keys are strings, and numbers are finite."""
    left[0] -= 1
    if depth > DEEPEST or left[0] < 0:
        raise ExpressionError("The value is nested too deeply, or too large.")
    if isinstance(value, dict):
        if any(not isinstance(key, str) for key in value):
            raise ExpressionError("A key is not a string.")
        return {key: _as_json(item, depth + 1, left) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_as_json(item, depth + 1, left) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise ExpressionError("The value is not a finite number.")
    if value is not None and not isinstance(value, (str, int, float)):
        raise ExpressionError(f"The value is of type {type(value).__name__}, which JSON does not have.")
    return value
