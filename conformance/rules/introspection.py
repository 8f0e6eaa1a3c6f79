"""What a provider says about itself."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.documents import compile_schema, description_faults
from conformance.errors import Skip
from conformance.provider import ProviderUnderTest
from conformance.rule import Finding, rule, warning, wrong
from conformance.sources import api, guide

SECTION = "Introspection"


@rule(SECTION, api("GET /", "response 200"), title="Introspection returns a description")
def introspection_answers_with_a_description(provider: ProviderUnderTest) -> Iterator[Finding]:
    """GET on the provider's URL answers 200 with a JSON object that describes it."""
    response = provider.introspected
    if response.code != 200:
        yield wrong(f"introspection answers {response.code}", response)
    elif not response.object:
        yield wrong("introspection does not answer with a JSON object", response)


@rule(SECTION, api("schema ProviderDescription"), title="The description has the required form")
def the_description_has_the_form_of_the_interface(provider: ProviderUnderTest) -> Iterator[Finding]:
    """types, api_version "1.0", title, synchronous, log_supported, runnable_by, globus_auth_scope, and admin_contact
    are present, and every field has the type that the interface defines."""
    if not provider.description:
        raise Skip("there is no description to check")
    yield from description_faults(provider.description)


@rule(
    SECTION,
    f"{api('schema ProviderDescription', 'input_schema')}; {guide('Action Provider Introspection')}",
    title="The input schema is a JSON Schema",
)
def the_input_schema_is_a_json_schema(provider: ProviderUnderTest) -> Iterator[Finding]:
    """input_schema describes the body of a request as a JSON Schema."""
    if not provider.description:
        raise Skip("there is no description to check")
    if provider.description.get("input_schema") is None:
        yield warning("there is no input_schema, so callers cannot know what to send")
        return
    try:
        validator = compile_schema(provider.description["input_schema"])
    except ValueError as error:
        fault = str(error).splitlines()[0]
        is_elsewhere = "in another document" in fault or "Unknown meta-schema" in fault
        yield (warning if is_elsewhere else wrong)(f"input_schema cannot be used as a JSON Schema: {fault}")
    else:
        if not validator.is_valid(provider.body):
            yield warning("the body given to this suite is not valid by the provider's input_schema")


@rule(
    SECTION, guide("Action Provider Introspection", "visible_to"), title="Introspection is as public as visible_to says"
)
def who_may_introspect_is_as_the_description_says(provider: ProviderUnderTest) -> Iterator[Finding]:
    """Introspection works without a token if visible_to contains "public", and otherwise does not."""
    visible_to = provider.description.get("visible_to")
    if not isinstance(visible_to, list):
        raise Skip("the description does not say who can introspect (visible_to)")
    response = provider.anonymous.introspect()
    if "public" in visible_to and not response.is_success:
        yield warning("visible_to contains public, but introspection needs a token", response)
    if "public" not in visible_to and response.is_success:
        yield warning("visible_to does not contain public, but introspection works without a token", response)
    if not response.is_success and response.code not in (401, 403, 404):
        yield wrong(f"introspection without a token is answered with {response.code} instead of 401", response)


@rule(SECTION, "Fetch standard, CORS protocol; Globus' toolkit does so", title="Web pages can introspect")
def web_pages_may_introspect(provider: ProviderUnderTest) -> Iterator[Finding]:
    """Recommended: Access-Control-Allow-Origin on the description, so that web applications can show it."""
    if not provider.description:
        raise Skip("there is no description to check")
    if "Access-Control-Allow-Origin" not in provider.introspected.headers:
        yield warning("the description has no Access-Control-Allow-Origin, so web applications cannot read it")
