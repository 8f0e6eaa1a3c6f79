"""From a bearer token to its caller: asks Globus Auth once per token, and remembers the answer for a while.

The toolkit's own caches are not used: they hold 100 entries per process and are not safe under threads.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from functools import partial

import globus_sdk
from cachetools import TTLCache
from globus_action_provider_tools.authentication import InactiveTokenError, InvalidTokenScopesError

from app.auth.caller import Caller
from app.auth.error import NoAuthentication
from app.auth.upstream import Upstream, UpstreamClients
from app.limiter import Limiter
from app.monitoring.metrics import Metrics

MIN_CHARACTERS = 10
MAX_CHARACTERS = 16_384
"""The length of a token that Globus Auth is asked about; the toolkit knows the lower limit."""

KNOWN_SECONDS = 86_400
"""How long a token that was valid takes precedence over unknown tokens when Globus Auth is asked again."""

PROBE = "no-token"
"""A token that Globus Auth calls inactive, but only if the client's credentials are right."""

INACTIVE = "The token is invalid, expired, or revoked"
WRONG_SCOPE = "The token does not have this provider's scope"


class TokenChecker:
    """Finds the caller whose token a request carries.

    Rejected tokens are remembered separately, so that they do not evict valid ones.

    :param ttl_seconds: how long an answer of Globus Auth is used.
    :param size: how many valid tokens are remembered, and a tenth as many rejected ones.
    :param timer: a monotonic clock, in seconds.
    """

    def __init__(
        self,
        auth_client: globus_sdk.ConfidentialAppAuthClient,
        scope: str,
        *,
        ttl_seconds: float,
        size: int,
        metrics: Metrics,
        upstream: Upstream,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self.scope = scope
        self._auth_client = auth_client
        self._clients = UpstreamClients()
        self._asked, self._remembered_count = (metrics.token_counter(lookup) for lookup in ("asked", "remembered"))
        self._upstream = upstream
        self._lock = threading.Lock()
        self._valid: TTLCache[str, Caller] = TTLCache(size, ttl_seconds, timer)
        self._rejected: TTLCache[bytes, str] = TTLCache(max(1, size // 10), ttl_seconds, timer)
        self._known: TTLCache[bytes, None] = TTLCache(size, KNOWN_SECONDS, timer)

    def authenticate(self, authorization: str | None) -> Caller:
        """Return the caller whose token is in an `Authorization` header.

        :raises NoAuthentication: there is no token, or it is not valid for this provider.
        :raises Unavailable: Globus Auth does not answer.
        """
        kind, _, token = (authorization or "").partition(" ")
        if kind.lower() != "bearer" or not MIN_CHARACTERS <= len(token) <= MAX_CHARACTERS:
            raise NoAuthentication("The request has no bearer token", scope=self.scope)
        verdict = self.check(token)
        if isinstance(verdict, str):
            raise NoAuthentication(verdict, scope=self.scope, error="invalid_token")
        return verdict

    def check(self, token: str) -> Caller | str:
        """Return the caller of this token, or a sentence that says why it is rejected.

        :raises Unavailable: Globus Auth does not answer.
        """
        verdict = self._remembered(token)
        (self._asked if verdict is None else self._remembered_count).inc()
        if verdict is None:
            known = self._is_known(token)
            verdict = self._upstream.call("auth", ("token", token), partial(self._ask, token), known=known)
        return verdict

    def check_credentials(self) -> None:
        """Raise Unavailable unless Globus Auth answers and accepts this provider's credentials."""
        self._upstream.call("auth", "check", self._ask_about_nothing, known=True)

    def _ask_about_nothing(self) -> None:
        if self._auth_client.oauth2_token_introspect(PROBE)["active"] is not False:
            raise TypeError("the server accepts anything as a token")

    def _remembered(self, token: str) -> Caller | str | None:
        with self._lock:
            try:
                return self._valid[token]  # half the time of `get`, which looks twice
            except KeyError:
                return self._rejected.get(_digest(token)) if self._rejected else None

    def _is_known(self, token: str) -> bool:
        with self._lock:
            return bool(self._known) and _digest(token) in self._known

    def _ask(self, token: str) -> Caller | str:
        """Ask Globus Auth about the token, unless another request just did, and remember its answer."""
        verdict = self._remembered(token)
        if verdict is not None:
            return verdict
        try:
            caller = Caller(self._upstream, self._auth_client, token, frozenset({self.scope}), self._clients)
        except (InactiveTokenError, InvalidTokenScopesError) as error:
            rejected = INACTIVE if isinstance(error, InactiveTokenError) else WRONG_SCOPE
            with self._lock:
                self._rejected[_digest(token)] = rejected
                self._known.pop(_digest(token), None)
            return rejected
        with self._lock:
            self._valid[token] = caller
            self._known[_digest(token)] = None
        return caller


def open_tokens(
    client_id: str,
    client_secret: str,
    scope: str,
    *,
    ttl_seconds: float,
    size: int,
    metrics: Metrics,
    limiter: Limiter,
) -> TokenChecker:
    """Return a TokenChecker that asks Globus Auth as the client that this provider is registered as."""
    client = UpstreamClients().make_confidential_app_auth_client(client_id, client_secret)
    upstream = Upstream(metrics, limiter)
    return TokenChecker(client, scope, ttl_seconds=ttl_seconds, size=size, metrics=metrics, upstream=upstream)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
