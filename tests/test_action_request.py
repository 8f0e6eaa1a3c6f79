"""The parser of run requests. test_bad_input.py has what it refuses."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from globus_action_provider_tools.validation import ValidationRequest, request_validator
from hypothesis import given
from hypothesis import strategies as st

from app.action.error import InvalidRequest
from app.action.request import RequestParser

NOW = datetime(2026, 3, 14, tzinfo=UTC)
ANY_BODY = RequestParser({"type": "object"})


def test_references_in_the_input_schema_stay_inside_it() -> None:
    parser = RequestParser(
        {
            "type": "object",
            "properties": {"where": {"$ref": "#/$defs/Place"}},
            "$defs": {"Place": {"type": "string", "maxLength": 3}},
        }
    )
    assert parser.parse(b'{"request_id": "r", "body": {"where": "abc"}}', NOW).body == {"where": "abc"}
    with pytest.raises(InvalidRequest, match=r"body\.where"):
        parser.parse(b'{"request_id": "r", "body": {"where": "abcd"}}', NOW)


@pytest.mark.parametrize("schema", [{"type": "nothing"}, {"$ref": "#/missing"}])
def test_an_invalid_schema_is_refused(schema: dict[str, str]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # any will do
        RequestParser(schema)


def test_times_are_checked_against_the_current_time() -> None:
    raw = {"request_id": "r", "body": {}, "release_after": "P1M", "deadline": "2026-03-15T00:00:00+02:00"}
    request = ANY_BODY.parse(json.dumps(raw).encode(), NOW)
    assert request.release_after == timedelta(days=31)
    assert request.deadline == datetime(2026, 3, 14, 22, tzinfo=UTC)


URN = st.sampled_from([f"urn:globus:auth:identity:{n:08d}-0000-4000-8000-00000000000a" for n in range(3)])
DOCUMENT = st.fixed_dictionaries(
    {"request_id": st.text(), "body": st.dictionaries(st.text(), st.integers())},
    optional={
        "label": st.text(max_size=66) | st.none(),
        "monitor_by": st.lists(URN | st.text(max_size=3), max_size=3),
        "manage_by": st.lists(URN, max_size=3) | st.text(),
        "allowed_clients": st.lists(st.sampled_from(["public", "creator", "x", ""])),
        "release_after": st.sampled_from(["P1D", "PT5M", "P", "1D", "P1Y2M3W4DT5H6M7.5S"]),
        "other": st.none(),
    },
)


@given(DOCUMENT)
def test_it_accepts_what_the_toolkit_accepts(document: dict[str, object]) -> None:
    """But for text that not every database can store."""
    toolkit = request_validator(ValidationRequest("ActionRequest", document)).error_msg is None
    storable = "\\u0000" not in json.dumps(document)
    try:
        ANY_BODY.parse(json.dumps(document).encode(), NOW)
        accepted = True
    except InvalidRequest:
        accepted = False
    assert accepted == (toolkit and storable) or not storable
