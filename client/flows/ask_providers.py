"""Ask the providers of a flow whether the Parameters of their states fit their input schemas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .bridge import Place, Refusal, SchemaError, explain_briefly, input_schema, problems
from .definition import PRIVATE_PARAMETERS, Definition
from .errors import DefinitionError, Finding, ProviderError, Severity
from .providers import ProviderFactory, provider_for


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
            for text, severity in _problems(schema, state["Parameters"]):
                yield Finding(text, state=name, field="Parameters", line=line, severity=severity)


def _problems(schema: Mapping[str, Any], parameters: Mapping[str, Any]) -> Iterator[tuple[str, Severity]]:
    """Return what is wrong with Parameters, as far as that can be known before the flow runs."""
    unknown: list[Place] = []
    body = _template(parameters, (), unknown)
    try:
        for problem in problems(schema, body, unknown=unknown):
            yield f"{problem}.", "error"
    except SchemaError as error:
        yield f"The Parameters could not be checked: {error}.", "warning"


def _template(value: Any, place: Place, unknown: list[Place]) -> Any:
    """Return the body as far as it is known, and add the places of the other values to `unknown`."""
    if isinstance(value, list):
        return [_template(item, (*place, index), unknown) for index, item in enumerate(value)]
    if not isinstance(value, Mapping):
        return value
    found: dict[str, Any] = {}
    for key, item in value.items():
        if key.endswith((".$", ".=")):
            found[key[:-2]] = None
            unknown.append((*place, key[:-2]))
        elif key != PRIVATE_PARAMETERS:
            found[key] = _template(item, (*place, key), unknown)
    return found
