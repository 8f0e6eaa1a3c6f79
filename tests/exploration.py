"""Runs Schemathesis on a provider. Only the test that explores one imports this: Schemathesis takes a while to load."""

from __future__ import annotations

import itertools
from base64 import urlsafe_b64encode
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import schemathesis
from hypothesis import strategies as st
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, events, from_schema

from app.action.times import parse_duration, parse_time
from tests.clock import Clock

RELEASES = {"POST /{action_id}/release", "DELETE /actions/{action_id}"}
STILL_THERE = "ensure_resource_availability"
"""The check that what was made can be read. It knows of DELETE, but not that POST …/release ends an action too."""


def describe_formats(now: datetime) -> None:
    """Tell Schemathesis how to make texts of the formats in openapi.yaml: times from now on, and markers."""

    def marker(id_: Any) -> str:
        """One as a Link header has it."""
        return urlsafe_b64encode(f"{now.isoformat()} {id_}".encode()).decode().rstrip("=")

    schemathesis.openapi.format("date-time", st.integers(1, 29).map(lambda days: (now + timedelta(days)).isoformat()))
    schemathesis.openapi.format("list-marker", st.uuids().map(marker))
    schemathesis.openapi.format("log-marker", st.sampled_from(["0", "1"]))


class Exploration:
    """A run of Schemathesis on a provider: the failures it found, and the responses it got."""

    def __init__(self, token: str, clock: Clock) -> None:
        self.faults: list[str] = []
        self.answers: set[tuple[str, int]] = set()
        self.document: Any = None
        self._clock, self._now = clock, clock.now
        self._numbers = itertools.count()
        self._settings = {
            "seed": 1,
            "headers": {"Authorization": f"Bearer {token}"},
            "generation": {"deterministic": True, "max-examples": 20},
        }

    def run(self, url: str) -> None:
        config = SchemathesisConfig.from_dict(self._settings)
        schema = schemathesis.openapi.from_url(url, config=config)
        self.document = schema.raw_schema

        @schema.hook
        def map_body(context: Any, body: Any) -> Any:
            return self.sensible(body)

        for event in from_schema(schema).execute():
            if isinstance(event, events.NonFatalError | events.FatalError):
                self.faults.append(str(vars(event)))
            elif isinstance(event, events.ScenarioFinished):
                self._record(event)

    def sensible(self, body: Any) -> Any:
        """Adapt a valid request to what no schema can say: the deadline is in the future, and the request_id unused."""
        if not isinstance(body, dict):
            return body
        changed = dict(body)
        number = next(self._numbers)
        if isinstance(body.get("request_id"), str) and number % 4:
            changed["request_id"] += f" {number}"
        with suppress(KeyError, TypeError, ValueError):
            parse_time(body["deadline"])
            changed["deadline"] = (self._clock.now + timedelta(days=1 + number % 28)).isoformat()
        with suppress(KeyError, TypeError, ValueError):
            if parse_duration(body["release_after"], self._now) < timedelta(days=1):
                changed["release_after"] = "P1D"  # so that actions are still there when Schemathesis asks for them
        return changed

    def _record(self, event: events.ScenarioFinished) -> None:
        cases, released = event.recorder.cases, set()
        for case_id, interaction in event.recorder.interactions.items():
            if interaction.response is not None:
                case, status = cases[case_id].value, interaction.response.status_code
                self.answers.add((case.operation.label, status))
                if case.operation.label in RELEASES and status == 200:
                    released.add(case.path_parameters["action_id"])
        for case_id, checks in event.recorder.checks.items():
            for check in checks:
                if check.status == Status.FAILURE:
                    assert check.failure_info is not None
                    failure, case = check.failure_info.failure, cases[case_id].value
                    if check.name == STILL_THERE and case.path_parameters["action_id"] in released:
                        continue
                    self.faults.append(
                        f"{case.operation.label}: {failure.title} {failure.message}: {case.as_curl_command()}"
                    )
