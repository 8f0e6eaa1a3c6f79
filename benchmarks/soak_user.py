"""A user of the soak run: does what users do, knows what was acknowledged, and notices every broken rule.

A request that breaks off, or is answered with 503, may or may not have had its effect; both are right until it has been
answered. Everything else is known exactly.
"""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any

import requests

from benchmarks.load import bearer

Document = dict[str, Any]
SECONDS_FOR_AN_ANSWER = 20


@dataclass
class Known:
    """An action that was acknowledged, and what may be true of it."""

    started: Document
    request: Document
    shared: bool
    end: Document | None = None
    perhaps_cancelled: bool = False
    perhaps_released: bool = False

    @property
    def id(self) -> str:
        return str(self.started["action_id"])

    @property
    def estimate(self) -> datetime:
        return datetime.fromisoformat(self.started["details"]["estimated_completion_time"])


@dataclass
class Counts:
    """What one user has seen."""

    requests: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    def violation(self, what: str, answer: Any = "") -> None:
        self.violations.append(f"{datetime.now(UTC):%H:%M:%S} {what}: {answer}"[:500])


class User:
    """One caller, who works alone on actions of their own, and meets a monitor and a stranger."""

    def __init__(self, url: str, tokens: tuple[str, str, str], monitor: str, seed: int) -> None:
        self._url = url
        self._token, self._monitor_token, self._stranger_token = tokens
        self._monitor = monitor
        self._random = Random(seed)
        self._session = requests.Session()
        self.counts = Counts()
        self.actions: list[Known] = []

    def step(self) -> None:
        """One thing that a user does, chosen at random."""
        actions = [self.start, self.repeat, self.look, self.look, self.look, self.cancel, self.release, self.list_all]
        work = self._random.choice([*actions, self.start_otherwise, self.let_others_look])
        try:
            work()
        except (KeyError, TypeError, ValueError) as error:
            self.counts.violation(f"{work.__name__} has met what cannot be understood", repr(error))

    def ask(self, method: str, path: str, expect: tuple[int, ...], token: str = "", **options: Any) -> Any:
        """The answer; None where there is none that counts."""
        try:
            answer = self._session.request(
                method, self._url + path, headers=bearer(token or self._token), timeout=SECONDS_FOR_AN_ANSWER, **options
            )
        except requests.Timeout:
            self.counts.violation(f"{method} {path} hangs")
            return None
        except requests.RequestException:
            self.counts.requests["broken off"] += 1
            return None
        self.counts.requests[str(answer.status_code)] += 1
        if answer.status_code == 503:
            if not answer.headers.get("Retry-After", "").isdigit():
                self.counts.violation("503 without Retry-After", answer.text)
            return None
        if answer.status_code not in expect:
            self.counts.violation(f"{method} {path} is {answer.status_code}, not {expect}", answer.text)
            return None
        return answer

    def one(self) -> Known | None:
        return self._random.choice(self.actions) if self.actions else None

    def start(self) -> None:
        shared = self._random.random() < 0.3
        request = {"request_id": uuid.uuid4().hex, "body": {"utc_offset": self._random.randrange(-12, 13)}}
        if shared:
            request["monitor_by"] = [self._monitor]
        for _ in range(100):  # as clients do, until it has been answered
            answer = self.ask("POST", "/run", (200, 202), json=request)
            if answer is not None:
                self.remember(answer.json(), request, shared)
                return

    def remember(self, started: Document, request: Document, shared: bool) -> None:
        """Keep an action in mind; but one that is over by the time that its start is answered has told no estimate."""
        if started["status"] == "ACTIVE":
            self.actions.append(Known(started, request, shared))

    def repeat(self) -> None:
        known = self.one()
        if known is None or known.perhaps_released:
            return
        answer = self.ask("POST", "/run", (200,), json=known.request)
        if answer is not None:
            self.check(known, answer.json())

    def start_otherwise(self) -> None:
        known = self.one()
        if known is not None and not known.perhaps_released:
            self.ask("POST", "/run", (409,), json={**known.request, "label": "something else"})

    def look(self) -> None:
        known = self.one()
        if known is None:
            return
        expect = (200, 404) if known.perhaps_released else (200,)
        before = datetime.now(UTC)
        answer = self.ask("GET", f"/{known.id}/status", expect)
        if answer is not None and answer.status_code == 200:
            self.check(known, answer.json(), before)
        elif answer is not None:
            self.actions.remove(known)

    def check(self, known: Known, seen: Document, before: datetime | None = None) -> None:
        """Every rule about what may be shown of an action, and when."""
        violation, now = self.counts.violation, datetime.now(UTC)
        fixed = ("action_id", "creator_id", "start_time", "monitor_by", "manage_by", "release_after")
        if any(seen[name] != known.started[name] for name in fixed):
            violation("an action has changed what it is", seen)
        if known.end is not None:
            if seen != known.end:
                violation("an end has changed", (known.end, seen))
        elif seen["status"] == "ACTIVE":
            if seen["details"].keys() != {"estimated_completion_time"} or "completion_time" in seen:
                violation("an active action tells too much", seen)
            if before is not None and before > known.estimate:
                violation("an action is late", seen)
        else:
            self.check_end(known, seen, now)
            known.end = seen

    def check_end(self, known: Known, seen: Document, now: datetime) -> None:
        ended = datetime.fromisoformat(seen["completion_time"])
        if seen["details"].get("error") == "CANCELLED":
            if not known.perhaps_cancelled:
                self.counts.violation("nobody has cancelled this", seen)
        elif ended != known.estimate or now < ended:
            self.counts.violation("an end at another time than was said", seen)
        if ended > now:
            self.counts.violation("an end that has not come yet", seen)

    def cancel(self) -> None:
        known = self.one()
        if known is None or known.perhaps_released:
            return
        over = known.end is not None or known.perhaps_cancelled
        known.perhaps_cancelled = True
        answer = self.ask("POST", f"/{known.id}/cancel", (409,) if known.end is not None else (200, 409))
        if answer is None:
            return
        if answer.status_code == 200:
            self.check(known, answer.json())
        elif not over and datetime.now(UTC) < known.estimate:
            self.counts.violation("an active action cannot be cancelled", answer.text)

    def release(self) -> None:
        known = self.one()
        if known is None:
            return
        expect: tuple[int, ...] = (200,) if known.end is not None else (200, 409)
        expect += (404,) if known.perhaps_released else ()
        known.perhaps_released = True
        answer = self.ask("POST", f"/{known.id}/release", expect)
        if answer is None:
            return
        if answer.status_code == 409:
            known.perhaps_released = False
            return
        if answer.status_code == 200:
            self.check(known, answer.json())
        self.actions.remove(known)
        self.ask("GET", f"/{known.id}/status", (404,))
        again = self.ask("POST", "/run", (202, 200), json=known.request)
        if again is not None:
            document = again.json()
            if document["action_id"] == known.id:
                self.counts.violation("a released action is back", document)
            self.remember(document, known.request, known.shared)

    def list_all(self) -> None:
        certain = {known.id for known in self.actions if not known.perhaps_released}
        answer = self.ask("GET", "/actions?status=active,succeeded,failed&limit=1000", (200,))
        if answer is not None:
            missing = certain - {document["action_id"] for document in answer.json()}
            if missing:
                self.counts.violation("the list leaves out", missing)

    def let_others_look(self) -> None:
        known = self.one()
        if known is None or known.perhaps_released:
            return
        self.ask("GET", f"/{known.id}/status", (404,), self._stranger_token)
        self.ask("GET", f"/{known.id}/log", (200,) if known.shared else (404,), self._monitor_token)
        self.ask("POST", f"/{known.id}/cancel", (403,) if known.shared else (404,), self._monitor_token)

    def settle(self) -> None:
        """After the last fault: everything that was acknowledged is there."""
        for known in list(self.actions):
            for _ in range(100):
                answer = self.ask("GET", f"/{known.id}/status", (200, 404) if known.perhaps_released else (200,))
                if answer is not None:
                    if answer.status_code == 200:
                        self.check(known, answer.json())
                    break
            else:
                self.counts.violation("no answer after all faults have ended", known.id)
