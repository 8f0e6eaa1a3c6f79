"""Tokens, codes and refresh tokens: signed, with all that is known of them in them, so that they outlive a restart."""

from __future__ import annotations

import time
import uuid
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from local_globus.directory import Grant, fixed_tokens

CODE_SECONDS = 600
ACCESS_SECONDS = 48 * 3600
REFRESH_SECONDS = 180 * 86400

_KEY = "for development only: whoever can reach this server can be anybody"


class Tokens:
    """Issues and reads what proves that somebody may do something.

    :param scope: the scope of the provider that is tried here.
    """

    def __init__(self, scope: str) -> None:
        self._fixed = fixed_tokens(scope)
        self._revoked: set[str] = set()
        self._id_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def issue(self, kind: str, seconds: int, claims: dict[str, Any]) -> str:
        """A signed text of this kind (code, access or refresh), good for so many seconds."""
        now = int(time.time())
        return jwt.encode({**claims, "kind": kind, "iat": now, "exp": now + seconds, "jti": uuid.uuid4().hex}, _KEY)

    def read(self, kind: str, text: str) -> dict[str, Any] | None:
        """What a text of this kind says; None where it is not one of ours, too old, or revoked."""
        try:
            claims: dict[str, Any] = jwt.decode(text, _KEY, algorithms=["HS256"], options={"verify_sub": False})
        except jwt.PyJWTError:
            return None
        complete = {"kind", "sub", "scope", "client_id"} <= claims.keys()
        return claims if complete and claims["kind"] == kind and text not in self._revoked else None

    def grant(self, token: str) -> Grant | None:
        """What an access token is good for; None where it is good for nothing."""
        fixed = self._fixed.get(token)
        if fixed is not None:
            return fixed if fixed.active and token not in self._revoked else None
        claims = self.read("access", token)
        return Grant(claims["sub"], claims["scope"], claims["client_id"]) if claims else None

    def revoke(self, token: str) -> None:
        self._revoked.add(token)

    def id_token(self, claims: dict[str, Any]) -> str:
        now = int(time.time())
        return jwt.encode({**claims, "iat": now, "exp": now + ACCESS_SECONDS}, self._id_key, algorithm="RS256")

    def jwks(self) -> dict[str, Any]:
        """The public key of the id tokens."""
        key = jwt.algorithms.RSAAlgorithm.to_jwk(self._id_key.public_key(), as_dict=True)
        return {"keys": [{**key, "alg": "RS256", "use": "sig"}]}
