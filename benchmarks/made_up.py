"""Actions of one creator to fill a database with."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random

from globus_action_provider_tools import ActionStatusValue
from sqlalchemy import insert

from app.action import Action, Outcome
from app.database import Database
from app.database.engine import transaction
from app.database.schema import actions, concerned
from app.database.sql import SqlDatabase, _concerned, _to_row

CREATOR = f"urn:globus:auth:identity:{uuid.UUID(int=1)}"
NOW = datetime.now(UTC)


def made_up(random: Random) -> Iterator[Action]:
    """Actions of one creator, a second apart; all but the newest 600 are complete."""
    for number in count():
        start = NOW - timedelta(seconds=number)
        yield Action(
            action_id=str(uuid.UUID(int=random.getrandbits(128))),
            creator_id=CREATOR,
            request_id=str(uuid.UUID(int=random.getrandbits(128))),
            content=random.randbytes(16),
            label=None,
            monitor_by=(CREATOR,),
            manage_by=(CREATOR,),
            start_time=start,
            completion_time=start + timedelta(seconds=600),
            release_after=timedelta(days=30),
            outcome=Outcome(ActionStatusValue.SUCCEEDED, {"whattimeisit": start.isoformat()}),
            final=number > 600,
        )


def store(database: Database, stored: Sequence[Action]) -> None:
    """Store them; in bulk, where there is a way."""
    if isinstance(database, SqlDatabase):
        with database._engine.connect() as connection, transaction(connection):
            connection.execute(insert(actions), [_to_row(action) for action in stored])
            connection.execute(insert(concerned), [row for action in stored for row in _concerned(action)])
    else:
        for action in stored:
            database.create(action)
