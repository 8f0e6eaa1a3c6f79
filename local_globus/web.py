"""Creates the stand-in as a Flask application. For development only."""

from __future__ import annotations

import logging
from typing import Any

from flask import Flask, render_template
from werkzeug.exceptions import HTTPException

from local_globus import consent_page, discovery, grants, groups, identities, introspection, login
from local_globus.access import LocalGlobus, OAuthError
from local_globus.directory import PROVIDER_SCOPE
from local_globus.guard import harden, refuse_foreign_requests
from local_globus.registry import Registry, register

WARNING = "local_globus replaces Globus Auth and Groups, for development only: anyone can log in as anyone."


def create_globus(scope: str = PROVIDER_SCOPE, *, registry: Registry | None = None) -> Flask:
    """Return the stand-in for Globus Auth and Globus Groups.

    :param scope: the scope of the only provider, for which the local tokens are valid; ignored with a `registry`.
    :param registry: the registered clients and scopes, from `register` or `read_registry`.
    :raises RegistryError: the scope cannot be read.
    """
    logging.getLogger(__name__).warning(WARNING)
    app = LocalGlobus(registry or register(scopes=[scope]))
    for module in (login, consent_page, grants, introspection, discovery, identities, groups):
        app.register_blueprint(module.routes)
    app.add_url_rule("/", view_func=about)
    app.before_request(refuse_foreign_requests)
    app.after_request(harden)
    app.register_error_handler(OAuthError, refused)
    app.register_error_handler(HTTPException, refused_page)
    return app


def about() -> str:
    return render_template("about.html")


def refused(error: OAuthError) -> tuple[dict[str, Any], int]:
    return error.document, error.status


def refused_page(error: HTTPException) -> tuple[str, int]:
    return render_template("error.html", error=error), error.code or 500
