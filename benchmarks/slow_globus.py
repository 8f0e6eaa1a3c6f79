"""A stand-in for Globus Auth that takes its time over tokens that it does not know."""

from __future__ import annotations

import time

from flask import Flask, request

from benchmarks.load import ALICE
from local_globus.web import create_globus

SECONDS = 1.0


def create_slow_globus() -> Flask:
    app = create_globus()

    @app.before_request
    def take_time() -> None:
        if request.form.get("token") not in (None, ALICE):
            time.sleep(SECONDS)

    return app
