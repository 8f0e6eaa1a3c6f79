"""Does it keep its word for minutes, with many users, while everything around it fails?

script/soak [seconds]: mixed traffic of many users on PostgreSQL and two workers, while Globus Auth and the database
stop, crash and freeze, and workers are killed. Prints a report; exit code 1 where a rule was broken.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from random import Random

from app.database import prepare_database
from benchmarks.field import settings_with, started_provider, urn_of
from benchmarks.load import Peer, process, say, wait_for
from benchmarks.soak_user import User
from local_globus.directory import PROVIDER_SCOPE
from local_globus.tokens import Tokens
from tests.postgresql import PostgresqlServer, running_postgresql
from tests.processes import free_port

USERS = 200
CALLERS = 8
"""How many users are busy at once."""

QUIET_SECONDS = 6
FAULT_SECONDS = 4
SEED = 1


class Globus:
    """A stand-in for Globus Auth that can go away and come back. Its tokens outlive it."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self._stack = ExitStack()

    def start(self) -> None:
        command = (sys.executable, "-m", "benchmarks.serve", "local_globus.web:create_globus", str(self.port), "4")
        self.process = self._stack.enter_context(process(*command))
        wait_for(self.url)

    def stop(self) -> None:
        self._stack.close()

    def signal(self, sent: signal.Signals) -> None:
        for each in (self.process, *self.process.children(recursive=True)):
            each.send_signal(sent)


def faults(globus: Globus, database: PostgresqlServer, provider: Peer, random: Random) -> dict[str, Callable[[], None]]:
    """What can go wrong, by its name; each of them has passed when it returns."""

    def for_a_while(begin: Callable[[], None], end: Callable[[], None]) -> None:
        begin()
        time.sleep(FAULT_SECONDS)
        end()

    def kill_a_worker() -> None:
        workers = [each for each in provider.process.children() if "spawn_main" in " ".join(each.cmdline())]
        random.choice(workers).kill()

    def freeze_globus() -> None:
        for_a_while(lambda: globus.signal(signal.SIGSTOP), lambda: globus.signal(signal.SIGCONT))

    return {
        "worker killed": kill_a_worker,
        "Globus Auth restarted": lambda: for_a_while(globus.stop, globus.start),
        "Globus Auth frozen": freeze_globus,
        "database restarted": lambda: for_a_while(database.stop, database.start),
        "database crashed": lambda: for_a_while(lambda: database.stop(signal.SIGQUIT), database.start),
        "database frozen": lambda: for_a_while(database.freeze, database.thaw),
    }


def main() -> None:
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 180
    random, happened, sizes = Random(SEED), Counter[str](), list[float]()
    with ExitStack() as stack:
        globus = Globus()
        globus.start()
        stack.callback(globus.stop)
        database = stack.enter_context(running_postgresql())
        provider = started(stack, globus, database.create_database("soak"))
        users = [User(provider.url, *rights(number), SEED + number) for number in range(USERS)]
        stop = threading.Event()
        with ThreadPoolExecutor(CALLERS) as pool:
            work = [pool.submit(keep_busy, users[number::CALLERS], stop, number) for number in range(CALLERS)]
            end = time.monotonic() + seconds
            for name, fault in itertools.cycle(faults(globus, database, provider, random).items()):
                pause(min(QUIET_SECONDS, end - time.monotonic()), work)
                sizes.append(provider.megabytes())
                if time.monotonic() >= end:
                    break
                say(f"{max(0, end - time.monotonic()):.0f} s left: {name}")
                fault()
                happened[name] += 1
            stop.set()
            for each in work:
                each.result()
            say("looking for everything that was acknowledged")
            list(pool.map(User.settle, users))
        say("")
        text, broken = report(users, happened, sizes, seconds)
    print(text)
    sys.exit(broken)


def rights(number: int) -> tuple[tuple[str, str, str], str]:
    """The tokens of a user, of a monitor and of a stranger; and who the monitor is."""
    issuer, people = Tokens(PROVIDER_SCOPE), [str(uuid.UUID(int=3 * number + part + 1)) for part in range(3)]
    own, monitor, stranger = (
        issuer.issue("access", 86400, {"sub": person, "scope": PROVIDER_SCOPE, "client_id": "x"}) for person in people
    )
    return (own, monitor, stranger), urn_of(people[1])


def started(stack: ExitStack, globus: Globus, database_url: str) -> Peer:
    prepare_database(database_url, migrate=True)
    short = {"WHATTIME_MIN_SECONDS": "1", "WHATTIME_MAX_SECONDS": "20", "WHATTIME_TOKEN_CACHE_SECONDS": "10"}
    return started_provider(stack, "ours", settings_with(globus.url) | short, database_url, "--workers=2")


def keep_busy(users: list[User], stop: threading.Event, seed: int) -> None:
    random = Random(seed)
    while not stop.is_set():
        random.choice(users).step()


def pause(seconds: float, work: list[Future[None]]) -> None:
    """Wait; but not for users who have failed."""
    end = time.monotonic() + max(0, seconds)
    while time.monotonic() < end:
        for each in work:
            if each.done():
                each.result()
        time.sleep(0.1)


def report(users: list[User], happened: Counter[str], sizes: list[float], seconds: int) -> tuple[str, bool]:
    """What was done, what went wrong around it, and what rules were broken."""
    answers = sum((user.counts.requests for user in users), Counter[str]())
    violations = [violation for user in users for violation in user.counts.violations]
    lines = [
        f"{seconds} s, {len(users)} users, {CALLERS} of them at once, {os.cpu_count()} cores, PostgreSQL, 2 workers.",
        "",
        "| | |",
        "|---|---:|",
        f"| requests | {answers.total():,} |",
        *(f"| answered {status} | {count:,} |" for status, count in sorted(answers.items()) if status.isdigit()),
        f"| broken off | {answers['broken off']:,} |",
        *(f"| {name} | {count} |" for name, count in happened.items()),
        f"| actions kept at the end, and found | {sum(len(user.actions) for user in users):,} |",
        f"| memory, MiB: first, last | {sizes[0]:.0f}, {sizes[-1]:.0f} |",
        f"| **violations** | **{len(violations)}** |",
    ]
    return "\n".join([*lines, *([""] if violations else []), *violations[:50]]), bool(violations)


if __name__ == "__main__":
    main()
