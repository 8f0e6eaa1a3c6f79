"""The log of an action, which is optional."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.errors import Skip
from conformance.provider import ProviderUnderTest
from conformance.rule import Finding, rule, warning, wrong
from conformance.sources import guide

SECTION = "The log"


@rule(SECTION, guide("Detailed Execution History: Logging"), title="The log records what happened")
def the_log_has_what_has_happened(provider: ProviderUnderTest) -> Iterator[Finding]:
    """If the description says log_supported, GET /<action_id>/log answers 200 with records, each of which has a time,
    a code, and a description."""
    if not provider.optional.has_log:
        raise Skip("the provider says that it has no log (log_supported)")
    response = provider.creator.log(provider.first["action_id"])
    if response.code != 200:
        yield wrong(f"log_supported is true, but the log is answered with {response.code}", response)
        return
    records = response.json.get("entries") if isinstance(response.json, dict) else response.json
    if not isinstance(records, list):
        yield warning("the log is neither a list nor an object with entries", response)
        return
    for record in records[:20]:
        fields = record if isinstance(record, dict) else {}
        missing = [field for field in ("time", "code", "description") if field not in fields]
        if missing:
            yield wrong(f"a record of the log has no {' and no '.join(missing)}", response)
            return
