"""Serves the page on which a person sees and withdraws consents."""

from __future__ import annotations

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from local_globus.access import local_globus
from local_globus.directory import PEOPLE, person_called

routes = Blueprint("consent_page", __name__)


@routes.get("/v2/web/consents")
def show() -> str:
    """Show a person's consents; without `as`, ask who the person is."""
    who = person_called(request.args.get("as", ""))
    if who is None:
        links = [(known.username, f"?as={known.name}") for known in PEOPLE]
        return render_template("people.html", title="Whose consents?", links=links)
    return render_template("consents.html", who=who, consents=local_globus().consents.of(who.id))


@routes.post("/v2/web/consents")
def withdraw() -> BaseResponse:
    """Withdraw one consent: `as` is a name, `scope` and `dependent_scope` say which."""
    who = person_called(request.form.get("as", ""))
    scope, dependent = request.form.get("scope", ""), request.form.get("dependent_scope", "")
    if who is None or not scope or not dependent:
        abort(400, "as, scope, and dependent_scope are required")
    local_globus().consents.withdraw(who.id, scope, dependent)
    return redirect(f"{url_for('consent_page.show')}?as={who.name}", 303)
