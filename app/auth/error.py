"""The error of authentication."""

from __future__ import annotations


class NoAuthentication(Exception):
    """Raised when a request carries no bearer token that is valid for this provider.

    `challenge` is the value of the `WWW-Authenticate` header (RFC 6750, section 3).
    """

    def __init__(self, reason: str, *, scope: str, error: str | None = None) -> None:
        detail = f"{reason}. Send the header 'Authorization: Bearer TOKEN' with a token that has this provider's scope."
        super().__init__(detail)
        self.details = (detail,)
        self.challenge = f'Bearer realm="Globus Auth", scope="{scope}"'
        if error is not None:
            self.challenge += f', error="{error}", error_description="{reason}"'
