"""A fake job service: python -m examples.job_service.service [--port 8000] [--seconds 6].

It represents any service that runs jobs for you, and renders nothing.

    PUT /jobs/ID        submit a job: {"region": "alps", "zoom": 3}. If one with this ID exists, nothing happens
    GET /jobs/ID        look at it: {"status": "running", "percent": 40}. Later done with a map, or failed with an error
    POST /jobs/ID/stop  stop it
    DELETE /jobs/ID     delete it with its result
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import click
from flask import Flask, request
from werkzeug.serving import make_server

REGIONS = ("alps", "andes", "atlantis", "sahara")
"""The regions that have maps. Rendering atlantis fails, because it is under water."""


@dataclass
class RenderJob:
    region: str
    zoom: int
    started: float
    stopped: bool = False


class RenderJobs:
    """The jobs of the service, each of which takes `seconds`.

    :param clock: a monotonic clock, in seconds.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self.jobs: dict[str, RenderJob] = {}
        self.submissions = 0

    def submit(self, id_: str, region: str, zoom: int) -> bool:
        """Start a job, unless there is one with this id. Return whether it is new."""
        self.submissions += 1
        job = RenderJob(region, zoom, self._clock())
        return self.jobs.setdefault(id_, job) is job

    def view(self, id_: str) -> dict[str, Any]:
        """Return what the service tells about a job."""
        job = self.jobs[id_]
        percent = min(100, int(100 * (self._clock() - job.started) / self._seconds)) if self._seconds else 100
        if job.stopped:
            return {"status": "stopped", "percent": percent}
        if percent < 100:
            return {"status": "running" if percent else "queued", "percent": percent}
        if job.region == "atlantis":
            return {"status": "failed", "percent": percent, "error": "Atlantis is under water."}
        return {"status": "done", "percent": percent, "map": f"https://maps.example/{job.region}-{job.zoom}.png"}


def create_service(jobs: RenderJobs) -> Flask:
    """Return the service as a WSGI application."""
    app = Flask("job_service")

    @app.put("/jobs/<id_>")
    def submit(id_: str) -> Any:
        body = request.get_json()
        if body["region"] not in REGIONS:
            return {"error": f"There is no map of {body['region']}."}, 422
        is_new = jobs.submit(id_, body["region"], body["zoom"])
        return jobs.view(id_), 201 if is_new else 200

    @app.get("/jobs/<id_>")
    def look(id_: str) -> Any:
        return jobs.view(id_) if id_ in jobs.jobs else unknown(id_)

    @app.post("/jobs/<id_>/stop")
    def stop(id_: str) -> Any:
        if id_ not in jobs.jobs:
            return unknown(id_)
        jobs.jobs[id_].stopped = True
        return jobs.view(id_)

    @app.delete("/jobs/<id_>")
    def delete(id_: str) -> Any:
        return unknown(id_) if jobs.jobs.pop(id_, None) is None else {"deleted": True}

    return app


def unknown(id_: str) -> Any:
    return {"error": f"There is no job {id_}."}, 404


@contextmanager
def running_service(jobs: RenderJobs, port: int = 0) -> Iterator[str]:
    """Run the service in a thread. Yield its URL."""
    server = make_server("127.0.0.1", port, create_service(jobs), threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@click.command(help=(__doc__ or "").partition("\n")[0])
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--seconds", default=6.0, show_default=True, help="How long a job takes.")
def main(port: int, seconds: float) -> None:
    with running_service(RenderJobs(seconds), port) as url:
        click.echo(f"The job service runs at {url}. Ctrl-C stops it.")
        threading.Event().wait()


if __name__ == "__main__":
    main()
