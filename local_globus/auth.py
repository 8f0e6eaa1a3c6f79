"""The stand-in for Globus Auth: what real clients ask of it, and no more."""

from __future__ import annotations

import base64
import hashlib
import re
import time
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, abort, current_app, make_response, redirect, render_template_string, request
from werkzeug.wrappers import Response as BaseResponse

from local_globus.access import Refusal, authenticated_client, bearer, tokens
from local_globus.directory import GROUPS_SCOPE, PEOPLE, is_uuid, people_named, person, resource_server
from local_globus.tokens import ACCESS_SECONDS, CODE_SECONDS, REFRESH_SECONDS

routes = Blueprint("auth", __name__)

DEPENDENT_TOKEN = "urn:globus:auth:grant_type:dependent_token"
LOOPBACK = ("127.0.0.1", "localhost", "::1")

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Local Globus, for development only</title>
<body style="font-family: sans-serif; max-width: 40em; margin: 3em auto">
<p>Local Globus, for development only</p><h1>{{ title }}</h1>
{% for name, link in links %}<p><a href="{{ link }}">{{ name }}</a></p>{% endfor %}
{% if code %}<p>Paste this code where you were asked for it:</p><textarea id="auth_code" rows="8" cols="70" readonly>
{{- code -}}</textarea>{% endif %}</body></html>"""


@routes.get("/")
def about() -> str:
    return render_template_string(PAGE, title="This stands in for Globus Auth and Globus Groups")


@routes.get("/v2/oauth2/authorize")
def authorize() -> BaseResponse | str:
    """Where a person logs in: by saying who they are."""
    asked = request.args
    if not is_uuid(asked.get("client_id", "")) or not is_on_this_machine(asked.get("redirect_uri", "")):
        abort(400, "client_id must be a UUID and redirect_uri an address of this machine")
    who = [known for known in PEOPLE if known.name == asked.get("as")]
    if not who:
        links = [(known.username, f"?{urlencode({**asked, 'as': known.name})}") for known in PEOPLE]
        return render_template_string(PAGE, title="Who are you?", links=links)
    names = ("client_id", "redirect_uri", "scope", "code_challenge", "code_challenge_method", "access_type")
    code = tokens().issue("code", CODE_SECONDS, {name: asked.get(name, "") for name in names} | {"sub": who[0].id})
    answer = urlencode({"code": code, "state": asked.get("state", "")})
    return redirect(f"{asked['redirect_uri']}{'&' if '?' in asked['redirect_uri'] else '?'}{answer}")


def is_on_this_machine(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme == "http" and parts.hostname in LOOPBACK and (parts.port or 80) > 0 and url.isprintable()
    except ValueError:
        return False


@routes.get("/v2/web/auth-code")
def auth_code() -> str:
    return render_template_string(PAGE, title="You are logged in", code=request.args.get("code", ""))


@routes.post("/v2/oauth2/token")
def token() -> Any:
    grants = {
        "authorization_code": by_code,
        "refresh_token": by_refresh_token,
        "client_credentials": by_client_credentials,
        DEPENDENT_TOKEN: dependent_tokens,
    }
    grant = grants.get(request.form.get("grant_type", ""))
    if grant is None:
        raise Refusal("unsupported_grant_type", f"grant_type must be one of {', '.join(grants)}")
    answer = make_response(current_app.json.response(grant()))
    answer.headers["Cache-Control"] = "no-store"
    return answer


def by_code() -> dict[str, Any]:
    code = tokens().read("code", request.form.get("code", ""))
    if code is None or any(code[name] != request.form.get(name) for name in ("client_id", "redirect_uri")):
        raise Refusal("invalid_grant", "the code is not valid (any more) for this client and redirect_uri")
    if code["code_challenge"] and code["code_challenge"] != challenge(code["code_challenge_method"]):
        raise Refusal("invalid_grant", "code_verifier does not fit the code_challenge")
    offline = code["access_type"] == "offline"
    return token_answer(code["sub"], code["client_id"], code["scope"].split() or ["openid"], offline=offline)


def challenge(method: str) -> str:
    verifier = request.form.get("code_verifier", "")
    if method != "S256":
        return verifier
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def by_refresh_token() -> dict[str, Any]:
    text = request.form.get("refresh_token", "")
    claims = tokens().read("refresh", text)
    if claims is None:
        raise Refusal("invalid_grant", "the refresh token is not valid (any more)")
    return token_for(claims["sub"], claims["client_id"], claims["scope"]) | {"refresh_token": text}


def by_client_credentials() -> dict[str, Any]:
    client_id = authenticated_client()
    scopes = re.sub(r"\[.*?\]+", "", request.form.get("scope", "")).split() or ["openid"]
    return token_answer(client_id, client_id, scopes, offline=False)


def dependent_tokens() -> list[dict[str, Any]]:
    client_id = authenticated_client()
    grant = tokens().grant(request.form.get("token", ""))
    if grant is None:
        raise Refusal("invalid_grant", "the token is not active")
    return [token_for(grant.sub, client_id, GROUPS_SCOPE)]


def token_answer(sub: str, client_id: str, scopes: list[str], *, offline: bool) -> dict[str, Any]:
    """One token for each resource server, the first in front; and an id token where openid is asked for."""
    by_server: dict[str, list[str]] = {}
    for asked in filter(None, (scope.split("[")[0] for scope in scopes)):
        by_server.setdefault(resource_server(asked), []).append(asked)
    if not by_server:
        raise Refusal("invalid_scope", "no scope is asked for")
    first, *others = [token_for(sub, client_id, " ".join(each), offline=offline) for each in by_server.values()]
    if "openid" in scopes:
        first["id_token"] = tokens().id_token({**profile(sub), "aud": client_id, "iss": request.host_url})
    return {**first, "other_tokens": others}


def token_for(sub: str, client_id: str, scope: str, *, offline: bool = False) -> dict[str, Any]:
    claims = {"sub": sub, "client_id": client_id, "scope": scope}
    answer = {
        "access_token": tokens().issue("access", ACCESS_SECONDS, claims),
        "scope": scope,
        "resource_server": resource_server(scope.split(maxsplit=1)[0]),
        "token_type": "Bearer",
        "expires_in": ACCESS_SECONDS,
        "other_tokens": [],
    }
    return answer | {"refresh_token": tokens().issue("refresh", REFRESH_SECONDS, claims)} if offline else answer


@routes.post("/v2/oauth2/token/introspect")
def introspect() -> dict[str, Any]:
    authenticated_client()
    grant = tokens().grant(request.form.get("token", ""))
    if grant is None:
        return {"active": False}
    now = int(time.time())
    answer = {
        "active": True,
        "scope": grant.scope,
        "client_id": grant.client_id,
        "aud": [resource_server(grant.scope)],
        "iss": request.host_url,
        "iat": now,
        "nbf": now,
        "exp": now + ACCESS_SECONDS,
        "token_type": "Bearer",
        **profile(grant.sub),
    }
    if "identity_set" in request.form.get("include", "").split(","):
        answer["identity_set"] = person(grant.sub).identity_set
    return answer


@routes.post("/v2/oauth2/token/revoke")
def revoke() -> dict[str, Any]:
    tokens().revoke(request.form.get("token", ""))
    return {"active": False}


@routes.get("/.well-known/openid-configuration")
def openid_configuration() -> dict[str, Any]:
    base = request.host_url
    return {
        "issuer": base,
        "authorization_endpoint": f"{base}v2/oauth2/authorize",
        "token_endpoint": f"{base}v2/oauth2/token",
        "userinfo_endpoint": f"{base}v2/oauth2/userinfo",
        "jwks_uri": f"{base}jwks.json",
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
    }


@routes.get("/jwks.json")
def jwks() -> dict[str, Any]:
    return tokens().jwks()


@routes.get("/v2/oauth2/userinfo")
def userinfo() -> dict[str, Any]:
    return profile(bearer().sub)


@routes.get("/v2/api/identities")
def identities() -> dict[str, Any]:
    bearer()
    found = [person(id_) for id_ in request.args.get("ids", "").split(",") if is_uuid(id_)]
    found += people_named(request.args.get("usernames", ""))
    return {"identities": [{"id": who.id, "username": who.username, "status": "used"} for who in found]}


def profile(sub: str) -> dict[str, Any]:
    who = person(sub)
    names = {"username": who.username, "preferred_username": who.username, "email": who.username, "name": who.name}
    return {"sub": sub, **names}
