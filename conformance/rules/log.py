"""The log of an action, where a provider has one."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.rule import Finding, Skip, rule, warning, wrong
from conformance.sources import guide
from conformance.subject import Subject

SECTION = "The log"


@rule(SECTION, guide("Detailed Execution History: Logging"))
def the_log_has_what_has_happened(it: Subject) -> Iterator[Finding]:
    """Where the description says log_supported, GET /<action_id>/log answers 200 with records, each of which has a
    time, a code and a description."""
    if not it.has_log:
        raise Skip("the provider says that it has no log (log_supported)")
    answer = it.me.log(it.first["action_id"])
    if answer.code != 200:
        yield wrong(f"log_supported is true, and the log is answered with {answer.code}", answer)
        return
    records = answer.json.get("entries") if isinstance(answer.json, dict) else answer.json
    if not isinstance(records, list):
        yield warning("the log is neither a list nor an object with entries", answer)
        return
    for record in records[:20]:
        missing = [field for field in ("time", "code", "description") if field not in _fields(record)]
        if missing:
            yield wrong(f"a record of the log has no {' and no '.join(missing)}", answer)
            return


def _fields(record: object) -> dict[str, object]:
    return record if isinstance(record, dict) else {}
