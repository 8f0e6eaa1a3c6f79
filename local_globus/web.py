"""The stand-in as a Flask application. For development only."""

from __future__ import annotations

import logging
from typing import Any

from flask import Flask

from local_globus import auth, groups
from local_globus.access import LocalGlobus, Refusal
from local_globus.directory import PROVIDER_SCOPE

WARNING = "local_globus stands in for Globus Auth and Groups, for development only: everybody can be anybody."


def create_globus(scope: str = PROVIDER_SCOPE) -> Flask:
    """The stand-in for Globus Auth and Globus Groups.

    :param scope: the scope of the provider that is tried here: the local tokens have it.
    """
    logging.getLogger(__name__).warning(WARNING)
    app = LocalGlobus(scope)
    app.register_blueprint(auth.routes)
    app.register_blueprint(groups.routes)
    app.register_error_handler(Refusal, refused)
    return app


def refused(refusal: Refusal) -> tuple[dict[str, Any], int]:
    return refusal.document, refusal.status
