"""granian's server process, changed to replace dead workers however often they die."""

from __future__ import annotations

import logging
import time
from typing import Any

from granian.server.mp import MPServer

log = logging.getLogger(__name__)

QUICK_SECONDS = 5
"""A worker that lives shorter than this is replaced after a pause."""

PAUSE_SECONDS = 1


class Supervisor(MPServer):
    """Continues where granian gives up: when a worker dies within 5.5 s of its start as a replacement.

    Giving up would end the healthy workers too. A worker that dies before the server has answered anything ends it,
    because its replacement would not start either.
    """

    has_served = False
    ends_with_terminal = False
    """Whether SIGHUP means that the terminal was closed."""

    def _respawn_workers(self, workers: list[int], *arguments: Any, **options: Any) -> None:
        if self._must_end():
            return
        if not self.has_served:
            log.error("A worker cannot start, so the server ends")
            self.shutdown(1)  # type: ignore[no-untyped-call]  # granian has no types here
        if any(time.monotonic() - self.wrks[worker].birth < QUICK_SECONDS for worker in workers):
            time.sleep(PAUSE_SECONDS)
        super()._respawn_workers(workers, *arguments, **options)
        self.respawned_wrks.clear()  # which granian would take for a crash loop

    def _reload(self, *_arguments: Any) -> None:
        """Ignore SIGHUP, which would replace the workers: in-memory actions would be lost, and nothing gained."""
        self.reload_signal = False
        self.main_loop_interrupt.clear()
        if self.ends_with_terminal:
            self.interrupt_signal = True
        else:
            log.warning("SIGHUP is ignored: restart the server to change its settings or its code")
        if not self._must_end() and self.interrupt_children:
            self.main_loop_interrupt.set()

    def _must_end(self) -> bool:
        """Return whether the server was told to stop, and let the main loop see it.

        The main loop has just forgotten why it woke up. A signal that came right before that would be lost.
        """
        if self.interrupt_signal:
            self.main_loop_interrupt.set()
        return bool(self.interrupt_signal)
