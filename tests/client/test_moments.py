"""Deadlines and durations as they are typed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from client.moments import absolute, iso_duration
from tests.client.conftest import BODY, Command
from tests.client.odd_provider import OddProvider, action

NOW = datetime(2026, 3, 14, 15, 9, 26, 535897, tzinfo=UTC)


@pytest.mark.parametrize(
    ("typed", "deadline"),
    [
        ("2h", "2026-03-14T17:09:26Z"),
        ("1d12h", "2026-03-16T03:09:26Z"),
        ("90M", "2026-03-14T16:39:26Z"),
        ("PT2H", "2026-03-14T17:09:26Z"),
        ("p1w", "2026-03-21T15:09:26Z"),
        ("P1M", "2026-04-14T15:09:26Z"),
        ("2026-03-15T00:00:00+01:00", "2026-03-15T00:00:00+01:00"),
        ("2026-03-15", "2026-03-15"),
    ],
)
def test_a_deadline_is_relative_or_a_time(typed: str, deadline: str) -> None:
    assert absolute(typed, NOW) == deadline


@pytest.mark.parametrize(
    ("typed", "duration"),
    [("7d", "P7D"), ("2w", "P14D"), ("1h30m", "P0DT1H30M"), ("0s", "P0D"), ("P7D", "P7D"), ("P1Y2M", "P1Y2M")],
)
def test_a_duration_is_short_or_iso_8601(typed: str, duration: str) -> None:
    assert iso_duration(typed) == duration


@pytest.mark.parametrize("typed", ["", "soon", "2", "h", "2x", "-2h", "-P1D", "P", "2h1d", "P99999999D"])
def test_what_is_neither_is_refused(typed: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 # of several kinds
        absolute(typed, NOW)


def test_a_relative_deadline_is_sent_as_a_time(alice: Command, command: Command, odd: OddProvider) -> None:
    started = alice("run", "-b", BODY, "--deadline", "2h", "--release-after", "7d")
    assert (started.exit_code, started.json["release_after"]) == (0, "P7D")
    odd.answer("POST /run", action("ACTIVE"))
    command("run", "-b", BODY, "--deadline", "2h", url=odd.url, token="a-token-of-mine")
    left = datetime.fromisoformat(odd.bodies[-1]["deadline"]) - datetime.now(UTC)
    assert 7100 < left.total_seconds() <= 7200
    for option in ("--deadline", "--release-after"):
        refused = alice("run", "-b", BODY, option, "soon")
        assert refused.exit_code == 2
        assert "'soon' is not a " in refused.err
