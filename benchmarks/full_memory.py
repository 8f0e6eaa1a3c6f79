"""Our provider with a memory that is full already: BENCH_ACTIONS actions of Alice are in it when it starts."""

from __future__ import annotations

import gc
import os
from itertools import islice
from random import Random

from flask import Flask

from app import create_app
from app.server.serve import OBJECTS_BETWEEN_COLLECTIONS
from benchmarks.made_up import made_up
from tests.api import provider_of


def create_full_app() -> Flask:
    app = create_app()
    for action in islice(made_up(Random(1)), int(os.environ["BENCH_ACTIONS"])):
        provider_of(app).database.create(action)
    gc.freeze()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    return app
