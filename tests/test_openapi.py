"""openapi.yaml and the provider agree: every operation, with valid and invalid data, alone and in sequence."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from openapi_spec_validator import OpenAPIV31SpecValidator

from app import settings
from app.settings import SettingsError
from app.web.errors import CODES
from app.web.openapi import _openapi_yaml, openapi_document
from local_globus.server import start_globus
from tests.api import Caller
from tests.clock import Clock
from tests.conftest import ALICE, CREDENTIALS, AppFactory, CallerFactory
from tests.patched_auth import PatchedGlobus
from tests.processes import ROOT

NOW = Clock().now
SCHEMA = json.loads((ROOT / "schema.json").read_text("utf-8"))


@pytest.fixture
def document(provider: CallerFactory) -> Any:
    return provider(None).request("GET", "/openapi.json", 200)


def described(schema: Any) -> Any:
    """Return the description of our provider with this input schema."""
    config = settings.load(CREDENTIALS)
    return openapi_document(config.work, schema, config)


def operations(document: Any) -> Iterator[tuple[str, str, Any]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                yield method.upper(), path, operation


def test_it_is_valid_openapi(document: Any) -> None:
    assert document["openapi"].startswith("3.1.")
    assert [str(error) for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_every_operation_is_described_and_no_others(document: Any, new_app: AppFactory) -> None:
    served = {
        (method, re.sub("<(.+?)>", r"{\1}", rule.rule))
        for rule in new_app().url_map.iter_rules()
        if rule.rule != "/openapi.json" and not rule.rule.startswith("/docs")
        for method in (rule.methods or set()) - {"HEAD"}
    }
    assert {(method, path) for method, path, _ in operations(document)} == served


def test_both_styles_of_paths_answer_alike(document: Any) -> None:
    answers = {operation["operationId"]: operation["responses"] for _, _, operation in operations(document)}
    pairs = [name for name in answers if f"actions_{name}" in answers]
    assert set(pairs) == {"run", "status", "cancel", "release", "log", "resume"}
    for name in pairs:
        assert answers[name] == answers[f"actions_{name}"]


def test_every_error_is_described(document: Any) -> None:
    assert set(document["components"]["schemas"]["Error"]["properties"]["code"]["enum"]) == set(CODES)


def examples(node: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each example and its schema."""
    if isinstance(node, dict):
        if "schema" in node:
            yield from ((node["schema"], example["value"]) for example in node.get("examples", {}).values())
        if "example" in node:
            yield node.get("schema", node), node["example"]
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from examples(child)


def resolved(node: Any, document: Any) -> Any:
    """Return the node with references replaced by their targets, except in schemas."""
    if isinstance(node, list):
        return [resolved(child, document) for child in node]
    if not isinstance(node, dict):
        return node
    reference = node.get("$ref", "")
    if reference.startswith("#/components/") and not reference.startswith("#/components/schemas/"):
        _, _, kind, name = reference.split("/")
        return resolved(document["components"][kind][name], document)
    return {name: resolved(child, document) for name, child in node.items()}


def test_examples_fit_their_schemas(document: Any) -> None:
    check_examples(document)


def check_examples(document: Any) -> None:
    """Check that each example is valid under the schema that it is an example of."""
    found = list(examples(resolved(document, document)))
    assert len(found) > 20
    for schema, example in found:
        rooted = {**schema, "components": document["components"]}
        jsonschema_rs.validator_for(rooted, validate_formats=True).validate(example)


def test_the_request_has_the_fields_of_the_interface(document: Any) -> None:
    source = resources.files("globus_action_provider_tools") / "action_request.yaml"
    theirs, ours = yaml.safe_load(source.read_text("utf-8")), document["components"]["schemas"]["ActionRequest"]
    assert ours["properties"].keys() == theirs["properties"].keys()
    assert ours["required"] == theirs["required"]
    assert ours["additionalProperties"] is theirs["additionalProperties"] is False


def test_the_parts_specific_to_the_provider_come_from_its_work_module(document: Any) -> None:
    assert document["info"]["title"] == "What Time Is It Right Now?"
    assert document["components"]["schemas"]["Input"] == SCHEMA
    assert CREDENTIALS["SCOPE"] in document["components"]["securitySchemes"]["token"]["description"]


WORKS = [f"examples.{name}.work" for name in ("approval", "digest", "my_groups")]


@pytest.mark.parametrize("name", WORKS)
def test_it_is_filled_in_for_each_work_module(name: str) -> None:
    config = settings.load({**CREDENTIALS, "WORK": name})
    document = openapi_document(config.work, json.loads(config.work.schema.read_text("utf-8")), config)
    assert [str(error) for error in OpenAPIV31SpecValidator(document).iter_errors()] == []
    check_examples(document)
    assert document["info"]["title"] == config.work.description["title"]
    text = json.dumps(document)
    for word in ("whattimeisit", "utc_offset", "WATCHLESS", "time at"):
        assert word not in text


def test_a_synchronous_provider_shows_no_incomplete_action() -> None:
    config = settings.load({**CREDENTIALS, "WORK": "examples.digest.work"})
    document = openapi_document(config.work, {}, config)
    assert "Active" not in document["components"]["examples"]
    shown = resolved(document["paths"]["/run"]["post"]["responses"]["202"], document)
    assert list(shown["content"]["application/json"]["examples"]) == ["succeeded"]


def test_a_schema_that_refers_to_itself_still_does() -> None:
    schema = {"properties": {"a": {"$ref": "#/$defs/A"}, "b": {"$ref": "#"}}, "$defs": {"A": {"type": "string"}}}
    document = described(schema)
    moved = document["components"]["schemas"]["Input"]["properties"]
    assert moved["a"] == {"$ref": "#/components/schemas/Input/$defs/A"}
    assert moved["b"] == {"$ref": "#/components/schemas/Input"}


def test_a_public_provider_introspects_without_a_token(provider: CallerFactory) -> None:
    document = provider(None, VISIBLE_TO="public").request("GET", "/openapi.json", 200)
    assert document["paths"]["/"]["get"]["security"] == [{}]


@pytest.mark.parametrize("text", ["", "openapi: [", "openapi: 3.1.0", "components: {schemas: 1}"])
def test_a_broken_description_stops_the_start_in_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str
) -> None:
    (tmp_path / "openapi.yaml").write_text(text)
    monkeypatch.setattr("app.web.openapi.FILE", tmp_path / "openapi.yaml")
    _openapi_yaml.cache_clear()
    with pytest.raises(SettingsError, match=r"openapi\.yaml cannot be used") as raised:
        described(SCHEMA)
    _openapi_yaml.cache_clear()
    assert "\n" not in raised.value.format_message()


@pytest.mark.parametrize("style", ["", "actions_"])
def test_links_lead_from_run_to_release_and_end_there(alice: Caller, clock: Clock, document: Any, style: str) -> None:
    document = resolved(document, document)
    by_id = {operation["operationId"]: (method, path, operation) for method, path, operation in operations(document)}

    def follow(links: Any, name: str, expect: int) -> Any:
        """Return the links of the response to an operation that one of `links` leads to."""
        assert links[style + name]["parameters"] == {"action_id": "$response.body#/action_id"}
        method, path, operation = by_id[links[style + name]["operationId"]]
        alice.request(method, path.format(**action), expect)
        return operation["responses"][str(expect)].get("links")

    action, links = alice.run(), by_id[f"{style}run"][2]["responses"]["202"]["links"]
    follow(links, "resume", 409)
    follow(links, "release", 409)
    follow(links, "log", 200)
    follow(follow(links, "status", 200), "cancel", 200)
    follow(links, "cancel", 409)
    follow(follow(links, "release", 200), "status", 404)


def test_the_provider_behaves_as_described(
    monkeypatch: pytest.MonkeyPatch, globus: PatchedGlobus, new_app: AppFactory
) -> None:
    from tests.exploration import Exploration, describe_formats  # half a second, for this test alone

    describe_formats(NOW)
    # Where a sequence begins, Schemathesis guesses, and takes request_id for the id of something to be made before.
    guess = "schemathesis.specs.openapi.stateful.is_likely_root_transition"
    monkeypatch.setattr(guess, lambda operation, *_: operation.path in ("/run", "/actions"))
    clock = Clock()

    def ticking() -> datetime:
        clock.tick(seconds=1)
        return clock.now

    app = new_app(RANDOM_SEED=1, MIN_SECONDS=1, MAX_SECONDS=30, clock=ticking)
    exploration, server = Exploration(globus.login(ALICE), clock), start_globus(app)
    try:
        exploration.run(f"{server.url}openapi.json")
    finally:
        server.stop()
    assert exploration.faults == []
    assert exploration.answers >= {("POST /run", code) for code in (200, 202, 400, 401, 405, 409)}
    succeeded = {operation for operation, status in exploration.answers if status < 300}
    resume = {"POST /{action_id}/resume", "POST /actions/{action_id}/resume"}  # telling the time is never INACTIVE
    assert succeeded == {f"{method} {path}" for method, path, _ in operations(exploration.document)} - resume
