"""Our provider with a full in-memory database: BENCH_ACTIONS actions of one creator are in it when it starts."""

from __future__ import annotations

import os
from itertools import islice
from random import Random

from flask import Flask

from app import create_app
from benchmarks.made_up import made_up
from tests.api import provider_of


def create_full_app() -> Flask:
    app = create_app()
    database = provider_of(app).database
    for action in islice(made_up(Random(1)), int(os.environ["BENCH_ACTIONS"])):
        database.create(action)
    return app
