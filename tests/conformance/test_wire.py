"""What the report shows of an answer, whoever gives it."""

from __future__ import annotations

from requests.structures import CaseInsensitiveDict

from conformance.wire import Answer, _without


def test_what_is_shown_of_an_answer_has_no_token_and_nothing_that_a_terminal_obeys() -> None:
    content = _without("Bearer secret-token-0123", b"x" * 190 + b"secret-token-0123")
    shown = str(Answer("as the caller", "GET", "/a\x1b]0;b\x07\r/status", 200, CaseInsensitiveDict(), content))
    assert "secret" not in shown
    assert shown.isprintable()


def test_a_short_token_is_not_found_everywhere() -> None:
    assert _without("Bearer x", b"expected") == b"expected"
