"""Makes up actions of one creator, and fills a database with them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any

from sqlalchemy import insert

from app.action.record import Action, Outcome, Status
from app.database import MEMORY, Database
from app.database.engine import open_engine, transaction
from app.database.schema import action_principals, actions
from app.database.sql import principals_of, to_row

CREATOR = f"urn:globus:auth:identity:{uuid.UUID(int=1)}"
NOW = datetime.now(UTC)


def made_up(random: Random) -> Iterator[Action]:
    """Yield actions of one creator, a second apart; the newest 600 are active, all others complete."""
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
            outcome=Outcome(Status.SUCCEEDED, {"whattimeisit": start.isoformat()}),
            final=number >= 600,
        )


def store(url: str, database: Database, stored: Sequence[Action]) -> None:
    """Store the actions in `database`, which `url` names: in bulk if it is an SQL database."""
    if url == MEMORY:
        for action in stored:
            database.create(action)
        return
    engine = open_engine(url)
    with engine.connect() as connection, transaction(connection):
        connection.execute(insert(actions), [to_row(action) for action in stored])
        connection.execute(insert(action_principals), [row for action in stored for row in principal_rows(action)])


def principal_rows(action: Action) -> list[dict[str, Any]]:
    """Return the rows of an action in the table of principals."""
    row = to_row(action)
    shared = {name: row[name] for name in ("action_id", "status", "start_time", "ends")}
    return [shared | {"principal": principal, "roles": roles} for principal, roles in principals_of(action)]
