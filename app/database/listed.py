"""The values by which lists find actions, in any database."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from app.action.record import Action
from app.action.store import ROLES

ENDED_AT_ONCE = 1000
"""The largest number of ended actions that a list returns so that their end can be made final."""

FEW = 8
"""The largest number of combinations of principal, sum of roles, and status in the faster list statement."""

ROLE_BITS = {role: 1 << number for number, role in enumerate(ROLES)}


def roles_of(action: Action) -> dict[str, int]:
    """Return the principals that the action names, each with the sum of its ROLE_BITS."""
    roles: dict[str, int] = {}
    for role, principals in zip(ROLES, ((action.creator_id,), action.monitor_by, action.manage_by), strict=True):
        bit = ROLE_BITS[role]
        for principal in principals:
            roles[principal] = roles.get(principal, 0) | bit
    return roles


def sums_with(roles: Collection[str]) -> list[int]:
    """Return the sums of ROLE_BITS that contain any of these roles."""
    mask = sum(ROLE_BITS[role] for role in roles)
    return [bits for bits in range(1, 1 << len(ROLES)) if bits & mask]


def planned_end(action: Action) -> datetime | None:
    """Return when the action ends by itself; None if that is unknown, or final already."""
    return None if action.final else action.completion_time


def is_released(action: Action) -> bool:
    return action.progress is not None and action.progress.released
