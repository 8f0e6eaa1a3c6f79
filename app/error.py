"""The errors that a work module may raise; each reaches the caller with its details (see app/web/errors.py)."""

from app.action.error import InvalidRequest, NotAuthorized, Unavailable

__all__ = ["InvalidRequest", "NotAuthorized", "Unavailable"]
