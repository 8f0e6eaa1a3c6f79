"""Sends bursts of requests over many connections from a separate process: python -m tests.burst PORT CONNECTIONS …"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.processes import ROOT


@dataclass
class Burst:
    """A burst that is running in another process."""

    process: subprocess.Popen[str]

    def wait_for_first_answer(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "answered\n"

    def finish(self) -> dict[str, int]:
        """Stop it, unless it has ended by itself. Return how many responses had which status code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.result()

    def result(self) -> dict[str, int]:
        """Wait until it has ended. Return how many responses had which status code."""
        output, _ = self.process.communicate(timeout=60)
        counted: dict[str, int] = json.loads(output.splitlines()[-1])
        return counted


@contextlib.contextmanager
def running_burst(
    port: int, connections: int, *, path: str = "/", token: str = "", requests: int = 0, patient: bool = False
) -> Iterator[Burst]:
    """Have another process send requests: each connection sends the next one as soon as it has a response.

    :param path: what to GET, or `/run` to POST a body that is refused.
    :param token: sent with each request; by default, each request sends a new, unknown token.
    :param requests: how many to send in all; by default, without limit.
    :param patient: whether each connection repeats a request after a 503, when Retry-After says so.
    """
    options = [f"--{name}={value}" for name, value in (("path", path), ("token", token), ("requests", requests))]
    options += ["--patient"] * patient
    command = [sys.executable, "-m", "tests.burst", str(port), str(connections), *options]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        yield Burst(process)
    finally:
        process.kill()
        process.communicate()


@dataclass
class Sender:
    port: int
    path: str
    tokens: Iterator[str]
    patient: bool
    statuses: Counter[str] = field(default_factory=Counter)

    async def send(self) -> None:
        """Send requests over one connection, which is opened again when it breaks, until there are no more tokens."""
        for token in self.tokens:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                try:
                    for next_token in itertools.chain([token], self.tokens):
                        while await self._ask(reader, writer, next_token):
                            pass
                finally:
                    writer.close()
            except (OSError, asyncio.IncompleteReadError):
                self.statuses["broken"] += 1

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, token: str) -> bool:
        """Send one request, and wait for the answer. Return whether it should be repeated."""
        method, body = ("POST", "{}") if self.path == "/run" else ("GET", "")
        lines = [f"{method} {self.path} HTTP/1.1", "Host: x", f"Authorization: Bearer {token}"]
        writer.write("\r\n".join([*lines, f"Content-Length: {len(body)}", "", body]).encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        _, _, length = head.partition("content-length: ")
        await reader.readexactly(int(length.partition("\r")[0]))
        status = head.split()[1]
        if not self.statuses:
            print("answered", flush=True)
        self.statuses[status] += 1
        if not self.patient or status != "503":
            return False
        _, _, seconds = head.partition("retry-after: ")
        await asyncio.sleep(int(seconds.partition("\r")[0]))
        return True


async def _burst(sender: Sender, connections: int) -> None:
    sending = asyncio.gather(*(sender.send() for _ in range(connections)))
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, sending.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await sending


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("connections", type=int)
    parser.add_argument("--path", default="/")
    parser.add_argument("--token", default="")
    parser.add_argument("--requests", type=int, default=0)
    parser.add_argument("--patient", action="store_true")
    options = parser.parse_args()
    numbers = range(options.requests) if options.requests else itertools.count()
    prefix = f"made-up-{os.getpid()}-{time.time_ns()}"
    tokens = (options.token or f"{prefix}-{number}" for number in numbers)
    sender = Sender(options.port, options.path, tokens, options.patient)
    asyncio.run(_burst(sender, options.connections))
    print(json.dumps(sender.statuses))


if __name__ == "__main__":
    main()
