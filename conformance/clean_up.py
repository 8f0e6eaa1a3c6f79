"""Cancels and releases everything that the suite started."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from conformance.documents import COMPLETE
from conformance.errors import NoResponse, RateLimited, Skip
from conformance.response import Response

if TYPE_CHECKING:
    from conformance.provider import ProviderUnderTest

AT_ONCE = 4
"""How many actions are cleaned up at once."""


def clean_up(provider: ProviderUnderTest) -> list[str]:
    """Cancel and release every action that was started; return the ids of those that remain."""
    complete = {
        response.object.get("action_id")
        for response in provider.transport.responses
        if response.object.get("status") in COMPLETE and isinstance(response.object.get("action_id"), str)
    }
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda action_id: _cancel(provider, action_id), set(provider.started) - complete))
        left = list(provider.started)
        for pause in (0, 0.2, 0.5, 1):
            if left:
                provider.sleep(pause)
            released = pool.map(lambda action_id: _is_released(provider, action_id), left)
            left = [action_id for action_id, is_released in zip(left, released, strict=True) if not is_released]
    return left


def _cancel(provider: ProviderUnderTest, action_id: str) -> None:
    _try(lambda: provider.started[action_id].cancel(action_id))


def _is_released(provider: ProviderUnderTest, action_id: str) -> bool:
    response = _try(lambda: provider.started[action_id].release(action_id))
    return response is not None and (response.is_success or response.code in (404, 410))


def _try(send: Callable[[], Response]) -> Response | None:
    try:
        return send()
    except (NoResponse, RateLimited, Skip):
        return None
