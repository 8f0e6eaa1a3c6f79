"""A client for any Globus Action Provider: a command line, and ActionClient for Python programs.

All imports in here are relative, since this package has two names: `client` in the repository, `globus_action` where
it is installed.
"""

from __future__ import annotations

from .action_client import ActionAPIError, ActionClient

__all__ = ["ActionAPIError", "ActionClient", "__version__"]

__version__ = "0.1.0"
