"""Check a body against a JSON schema in a separate process that can be stopped, because a schema may take forever.

`problems` starts the process. The process runs this file as a script, so the file imports nothing from the package.
"""

from __future__ import annotations

import contextlib
import functools
import json
import operator
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

LIMIT_SECONDS = 5.0
LIMIT_BYTES = 1_000_000_000
MOST_PROBLEMS = 100

Place = Sequence[str | int]
"""The keys and indexes that lead to a value."""

_ABOUT_KEYS = ("required", "additionalProperties", "propertyNames", "dependencies", "maxProperties", "minProperties")


class SchemaError(Exception):
    """Raised when a provider's schema is missing or unusable."""


class _Unknown:
    """Stands for a value that is not known yet."""

    def __repr__(self) -> str:
        return "…"


def problems(
    schema: Mapping[str, Any], body: Any, *, unknown: Sequence[Place] = (), limit_seconds: float | None = None
) -> list[str]:
    """Return one sentence for each mistake in `body`, starting with the field. Nothing is fetched from other places.

    :param unknown: where values in `body` are not known yet. Only what does not depend on them is checked.
    :param limit_seconds: how long the check may take; LIMIT_SECONDS by default.
    :raises SchemaError: the schema is invalid, refers to something outside itself, or takes too long to check.
    """
    limit_seconds = LIMIT_SECONDS if limit_seconds is None else limit_seconds
    try:
        checked = subprocess.run(  # noqa: S603 # this file
            [sys.executable, "-P", __file__],
            input=json.dumps([schema, body, unknown]).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=limit_seconds,
            check=False,
        )
        found, failure = json.loads(checked.stdout or b'[[], "MemoryError"]')
    except subprocess.TimeoutExpired as error:
        raise SchemaError(f"checking the provider's input_schema took more than {limit_seconds:g} seconds") from error
    except (ValueError, TypeError, RecursionError) as error:
        raise SchemaError(f"the provider's input_schema cannot be used ({type(error).__name__})") from error
    if failure:
        raise SchemaError(f"the provider's input_schema cannot be used ({failure})")
    return [str(problem) for problem in found]


def check(schema: Any, body: Any, unknown: Sequence[Place]) -> list[str]:
    """Return what `problems` returns, in this process and without limits. Values that are unknown are replaced.

    :raises Exception: many kinds, for something that is not a schema.
    """
    from jsonschema import Draft7Validator
    from jsonschema.exceptions import best_match
    from jsonschema.validators import validator_for
    from jsonschema_specifications import REGISTRY

    kind = validator_for(schema, default=Draft7Validator)
    kind.check_schema(schema)
    for place in unknown:
        parent = functools.reduce(operator.getitem, place[:-1], body)
        parent[place[-1]] = _Unknown()
    errors = kind(schema, registry=REGISTRY).iter_errors(body)
    known = (each for each in errors if each.validator in _ABOUT_KEYS or not (unknown and _has_unknown(each.instance)))
    found = sorted(known, key=lambda error: list(map(str, error.path)))
    return list(dict.fromkeys(line for error in found for line in _sentences(best_match([error]) or error)))


def _has_unknown(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_has_unknown, value.values()))
    return isinstance(value, _Unknown) or (isinstance(value, list) and any(map(_has_unknown, value)))


def _sentences(error: ValidationError) -> Iterator[str]:
    path = list(map(str, error.absolute_path))
    if error.validator == "required" and isinstance(error.instance, Mapping):
        for name in error.validator_value:
            if name not in error.instance:
                yield f"{'.'.join([*path, name])}: is missing"
        return
    if error.validator == "additionalProperties" and isinstance(error.schema, Mapping):
        known = error.schema.get("properties", {})
        if not error.schema.get("patternProperties"):
            for name in error.instance:
                if name not in known:
                    yield f"{'.'.join([*path, name])}: unknown field; the fields are {', '.join(known) or 'none'}"
            return
    message = error.message if len(error.message) <= 200 else f"{error.message[:199]}…"
    yield f"{'.'.join(path) or 'the body'}: {message}"


def main() -> None:
    """Read [schema, body, unknown] from stdin; write [problems, name of the error or null] to stdout."""
    with contextlib.suppress(ImportError, ValueError, OSError):  # not on Windows
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (LIMIT_BYTES, LIMIT_BYTES))
    failure = None
    found: list[str] = []
    try:
        found = check(*json.load(sys.stdin))[:MOST_PROBLEMS]
    except Exception as error:  # a bad pattern, a reference that leads nowhere, endless recursion, …
        failure = type(error).__name__
    json.dump([found, failure], sys.stdout)


if __name__ == "__main__":
    main()
