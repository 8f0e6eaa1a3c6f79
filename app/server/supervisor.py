"""granian's server process, which replaces workers that die, however often they do."""

from __future__ import annotations

import time
from typing import Any

from granian.server.mp import MPServer

QUICK_SECONDS = 5
"""A worker that lives shorter than this is replaced after a pause."""

PAUSE_SECONDS = 1


class Supervisor(MPServer):
    """Goes on where granian gives up: when a worker dies within 5.5 s of its own replacement.

    Giving up would end the healthy workers too. Until the server has served once, granian's rule holds, because a
    worker that cannot start will not start later either.
    """

    has_served = False

    def _respawn_workers(self, workers: list[int], *arguments: Any, **options: Any) -> None:
        if any(time.monotonic() - self.wrks[worker].birth < QUICK_SECONDS for worker in workers):
            time.sleep(PAUSE_SECONDS)
        super()._respawn_workers(workers, *arguments, **options)
        if self.has_served:
            self.respawned_wrks.clear()  # what granian would recognize a crash loop by
