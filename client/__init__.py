"""A client for any Globus Action Provider: a command line, and ActionClient for Python programs.

All imports in here are relative, because this package has two names: `client` in the repository, `globus_action` when
installed. ActionClient is loaded when it is first used, so that the command line can handle Ctrl-C from the start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .action_client import ActionAPIError, ActionClient

__all__ = ["ActionAPIError", "ActionClient", "__version__"]

__version__ = "1.0.0"


def __getattr__(name: str) -> Any:
    if name in ("ActionAPIError", "ActionClient"):
        from . import action_client

        return getattr(action_client, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
