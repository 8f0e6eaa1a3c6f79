"""Ask the providers of a flow whether the Parameters of their states fit their input schemas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft7Validator
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.validators import validator_for
from jsonschema_specifications import REGISTRY

from .bridge import Refusal, explain_briefly, input_schema
from .definition import PRIVATE_PARAMETERS, Definition
from .errors import DefinitionError, Finding, ProviderError
from .providers import ProviderFactory, provider_for

_ABOUT_KEYS = ("required", "additionalProperties", "propertyNames", "dependencies", "maxProperties", "minProperties")


class _Computed:
    """Stands for a value that is known only when the flow runs."""


def ask_providers(definition: Definition, providers: ProviderFactory) -> Iterator[Finding]:
    """Return what does not fit, and which providers could not be asked."""
    for name in definition.states:
        state = definition.states[name]
        if state["Type"] != "Action":
            continue
        line = definition.source.line(("States", name, "Parameters"))
        try:
            schema = input_schema(provider_for(state, providers).introspect())
        except (ProviderError, DefinitionError, Refusal) as error:
            text = f"The provider could not be asked: {explain_briefly(error)}"
            yield Finding(text, state=name, line=line, severity="warning")
            continue
        if schema is None:
            yield Finding("The provider has no input schema.", state=name, line=line, severity="warning")
        elif isinstance(state.get("Parameters"), Mapping):
            for text in problems(schema, state["Parameters"]):
                yield Finding(text, state=name, field="Parameters", line=line)


def problems(schema: Mapping[str, Any], parameters: Mapping[str, Any]) -> Iterator[str]:
    """Return what is wrong with Parameters, as far as that can be known before the flow runs."""
    body = _template(parameters)
    kind = validator_for(schema, default=Draft7Validator)
    try:
        kind.check_schema(schema)
        for error in kind(schema, registry=REGISTRY).iter_errors(body):
            if error.validator in _ABOUT_KEYS or not _has_computed(error.instance):
                yield _sentence(error)
    except (SchemaError, RecursionError) as error:
        yield f"The provider's input schema cannot be used ({type(error).__name__})."
    except Exception as error:  # broken references, bad patterns, and other errors, from several libraries
        yield f"The provider's input schema cannot be used ({type(error).__name__})."


def _template(value: Any) -> Any:
    """Return the body as far as it is known."""
    if isinstance(value, list):
        return [_template(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    found: dict[str, Any] = {}
    for key, item in value.items():
        if key.endswith((".$", ".=")):
            found[key[:-2]] = _Computed()
        elif key != PRIVATE_PARAMETERS:
            found[key] = _template(item)
    return found


def _has_computed(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_has_computed(item) for item in value.values())
    return isinstance(value, _Computed) or (isinstance(value, list) and any(map(_has_computed, value)))


def _sentence(error: ValidationError) -> str:
    where = ".".join(map(str, error.absolute_path))
    message = error.message if len(error.message) <= 200 else f"{error.message[:199]}…"
    return f"{where}: {message}." if where else f"{message}."
