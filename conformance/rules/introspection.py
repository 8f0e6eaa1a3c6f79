"""What a provider says of itself."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.documents import compile_schema, description_faults
from conformance.rule import Finding, Skip, rule, warning, wrong
from conformance.sources import api, guide
from conformance.subject import Subject

SECTION = "Introspection"


@rule(SECTION, api("GET /", "response 200"))
def introspection_answers_with_a_description(it: Subject) -> Iterator[Finding]:
    """GET on the provider's URL answers 200 with a JSON object that describes it."""
    answer = it.introspected
    if answer.code != 200:
        yield wrong(f"introspection answers {answer.code}", answer)
    elif not answer.object:
        yield wrong("introspection answers with something else than a JSON object", answer)


@rule(SECTION, api("schema ProviderDescription"))
def the_description_has_the_form_of_the_interface(it: Subject) -> Iterator[Finding]:
    """types, api_version "1.0", title, synchronous, log_supported, runnable_by, globus_auth_scope and admin_contact are
    there, and whatever is there has the type that the interface gives it."""
    if not it.description:
        raise Skip("there is no description to look at")
    yield from description_faults(it.description)


@rule(SECTION, f"{api('schema ProviderDescription', 'input_schema')}; {guide('Action Provider Introspection')}")
def the_input_schema_is_a_json_schema(it: Subject) -> Iterator[Finding]:
    """input_schema tells, as a JSON Schema, what the body of a request looks like."""
    if not it.description:
        raise Skip("there is no description to look at")
    if it.description.get("input_schema") is None:
        yield warning("there is no input_schema, so that nobody can know what to send")
        return
    try:
        validator = compile_schema(it.description["input_schema"])
    except ValueError as error:
        fault = str(error).splitlines()[0]
        is_elsewhere = "is elsewhere" in fault or "Unknown meta-schema" in fault
        yield (warning if is_elsewhere else wrong)(f"input_schema cannot be used as a JSON Schema: {fault}")
    else:
        if not validator.is_valid(it.body):
            yield warning("the body that was given to this suite is not valid by the provider's input_schema")


@rule(SECTION, guide("Action Provider Introspection", "visible_to"))
def who_may_introspect_is_as_the_description_says(it: Subject) -> Iterator[Finding]:
    """Without a token, introspection is answered where visible_to has "public", and else it is not."""
    visible_to = it.description.get("visible_to")
    if not isinstance(visible_to, list):
        raise Skip("the provider does not say who may introspect (visible_to)")
    answer = it.nobody.introspect()
    if "public" in visible_to and not answer.is_success:
        yield warning("visible_to has public, and introspection asks for a token all the same", answer)
    if "public" not in visible_to and answer.is_success:
        yield warning("visible_to does not have public, and introspection is answered without a token", answer)
    if not answer.is_success and answer.code not in (401, 403, 404):
        yield wrong(f"introspection without a token answers {answer.code}, where 401 is meant", answer)


@rule(SECTION, "Fetch standard, CORS protocol; Globus' own toolkit does so")
def web_pages_may_introspect(it: Subject) -> Iterator[Finding]:
    """Recommended: Access-Control-Allow-Origin on the description, so that web applications can show it."""
    if not it.description:
        raise Skip("there is no description to look at")
    if "Access-Control-Allow-Origin" not in it.introspected.headers:
        yield warning("the description comes without Access-Control-Allow-Origin: web applications cannot read it")
