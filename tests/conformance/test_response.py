"""What the report shows about any response."""

from __future__ import annotations

from requests.structures import CaseInsensitiveDict

from conformance.exchange import _without_token
from conformance.response import Response


def test_what_is_shown_of_a_response_has_no_token_and_no_control_characters() -> None:
    content = _without_token("Bearer secret-token-0123", b"x" * 190 + b"secret-token-0123")
    shown = str(Response("as the caller", "GET", "/a\x1b]0;b\x07\r/status", 200, CaseInsensitiveDict(), content))
    assert "secret" not in shown
    assert shown.isprintable()


def test_a_short_token_is_not_hidden_in_ordinary_words() -> None:
    assert _without_token("Bearer x", b"expected") == b"expected"
