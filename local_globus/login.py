"""Serves the pages on which a person logs in and consents."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

from flask import Blueprint, abort, redirect, render_template, request
from globus_sdk.scopes import Scope
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as BaseResponse

from local_globus.access import local_globus
from local_globus.codes import PendingLogin
from local_globus.directory import PEOPLE, Person, is_uuid, person_called
from local_globus.guard import is_loopback
from local_globus.scopes import dependencies, parse_scopes

routes = Blueprint("login", __name__)

Parameters = MultiDict[str, str]


@routes.get("/v2/oauth2/authorize")
def authorize() -> BaseResponse | str:
    """Let a person say who they are, and ask for the consents that the requested scopes still need."""
    asked = request.args
    scopes = checked_scopes(asked)
    who = person_called(asked.get("as", ""))
    if who is None:
        links = [(known.username, f"?{urlencode({**asked, 'as': known.name})}") for known in PEOPLE]
        return render_template("people.html", title="Who are you?", links=links)
    missing = local_globus().consents.missing(who.id, dependencies(scopes))
    if missing:
        return render_template("consent.html", who=who, missing=missing, parameters=asked)
    return finish(asked, who, status=302)


@routes.post("/v2/oauth2/authorize")
def decide() -> BaseResponse:
    """Record what a person decided on the consent page, and finish the login."""
    asked = request.form
    scopes = checked_scopes(asked)
    who = person_called(asked.get("as", ""))
    if who is None:
        abort(400, "as must be the name of a person here")
    if asked.get("decision") != "allow":
        return redirect_back(asked, {"error": "access_denied"}, status=303)
    local_globus().consents.give(who.id, dependencies(scopes))
    return finish(asked, who, status=303)


def checked_scopes(asked: Parameters) -> list[Scope]:
    """Return the requested scopes of a valid request to log in; refuse any other request."""
    if not is_uuid(asked.get("client_id", "")) or not is_on_this_machine(asked.get("redirect_uri", "")):
        abort(400, "client_id must be a UUID and redirect_uri an address of this machine")
    try:
        return parse_scopes(asked.get("scope", ""))
    except ValueError as error:
        abort(400, f"scope cannot be read: {error}")


def is_on_this_machine(url: str) -> bool:
    """Return whether a URL leads to a server on this machine."""
    try:
        parts = urlsplit(url)
        fine = parts.scheme == "http" and is_loopback(parts.hostname or "") and (parts.port or 80) > 0
    except ValueError:
        return False
    return fine and url.isprintable()


def finish(asked: Parameters, who: Person, *, status: int) -> BaseResponse:
    """Send the person back to the client with a code."""
    names = ("client_id", "redirect_uri", "scope", "code_challenge", "code_challenge_method", "access_type")
    login = PendingLogin(who.id, **{name: asked.get(name, "") for name in names})
    return redirect_back(asked, {"code": local_globus().codes.issue(login)}, status=status)


def redirect_back(asked: Parameters, answer: dict[str, str], *, status: int) -> BaseResponse:
    """Send the person back to the client with this response (RFC 6749, section 4.1.2)."""
    uri, query = asked["redirect_uri"], urlencode({**answer, "state": asked.get("state", "")})
    return redirect(f"{uri}{'&' if '?' in uri else '?'}{query}", status)


@routes.get("/v2/web/auth-code")
def auth_code() -> str:
    """Show the code to a person whose client cannot receive it."""
    return render_template("code.html", code=request.args.get("code", ""))
