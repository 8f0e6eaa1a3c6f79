"""Issues and reads tokens. They are signed and carry their claims, so they survive a restart of the stand-in."""

from __future__ import annotations

import time
import uuid
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from local_globus.directory import Grant, fixed_tokens

ACCESS_SECONDS = 48 * 3600
REFRESH_SECONDS = 180 * 86400

_KEY = "local_globus is for development only: this key is public"


class Tokens:
    """Issues and reads access tokens, refresh tokens, and id tokens.

    :param scope: the scopes of the local tokens, separated by spaces.
    """

    def __init__(self, scope: str) -> None:
        self._fixed = fixed_tokens(scope)
        self._revoked: set[str] = set()
        self._id_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def issue(self, kind: str, seconds: int, claims: dict[str, Any]) -> str:
        """Return a signed token of this kind (access or refresh), valid for this many seconds."""
        now = int(time.time())
        return jwt.encode({**claims, "kind": kind, "iat": now, "exp": now + seconds, "jti": uuid.uuid4().hex}, _KEY)

    def read(self, kind: str, token: str) -> dict[str, Any] | None:
        """Return the claims of a token of this kind; None if it is not valid, too old, or revoked."""
        try:
            claims: dict[str, Any] = jwt.decode(token, _KEY, algorithms=["HS256"], options={"verify_sub": False})
        except jwt.PyJWTError:
            return None
        complete = {"kind", "sub", "scope", "client_id"} <= claims.keys()
        return claims if complete and claims["kind"] == kind and token not in self._revoked else None

    def grant(self, token: str) -> Grant | None:
        """Return what an access token allows; None if it is not active."""
        fixed = self._fixed.get(token)
        if fixed is not None:
            return fixed if fixed.active and token not in self._revoked else None
        claims = self.read("access", token)
        return Grant(claims["sub"], claims["scope"], claims["client_id"], via=claims.get("via", "")) if claims else None

    def revoke(self, token: str) -> None:
        """Make a token inactive until the stand-in restarts."""
        if self.grant(token) or self.read("refresh", token):
            self._revoked.add(token)

    def id_token(self, claims: dict[str, Any]) -> str:
        """Return an OpenID Connect id token with these claims."""
        now = int(time.time())
        return jwt.encode({**claims, "iat": now, "exp": now + ACCESS_SECONDS}, self._id_key, algorithm="RS256")

    def jwks(self) -> dict[str, Any]:
        """Return the public key that id tokens are verified with."""
        key = jwt.algorithms.RSAAlgorithm.to_jwk(self._id_key.public_key(), as_dict=True)
        return {"keys": [{**key, "alg": "RS256", "use": "sig"}]}
