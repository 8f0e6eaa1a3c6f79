"""Who is asking: from the bearer token of a request to its AuthState, by asking Globus Auth once and remembering.

The toolkit's own caches are not used: they hold 100 entries for a whole process and are not safe under threads.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from functools import cached_property, partial
from typing import Any, TypeVar

import globus_sdk
from cachetools import TTLCache
from globus_action_provider_tools import AuthState, AuthStateBuilder
from globus_action_provider_tools.authentication import (
    InactiveTokenError,
    InvalidTokenScopesError,
    group_principal,
    identity_principal,
)
from globus_action_provider_tools.client_factory import ClientFactory
from globus_action_provider_tools.errors import AuthenticationError, UnverifiedAuthenticationError
from globus_action_provider_tools.flask.helpers import FlaskAuthStateBuilder

from app.error import NoAuthentication, ServiceUnavailable
from app.metrics import Metrics

T = TypeVar("T")
log = logging.getLogger(__name__)

ANSWER_SECONDS = 4.5
"""How long a request waits for Globus Auth, and then, where a group may decide, for Globus Groups."""

SLOW_SECONDS = 0.5
SLOW_WAITERS = 8
"""How many requests wait at once for an answer that takes longer than SLOW_SECONDS: fewer than a worker has threads, so
that callers who are known go on. Further ones are turned away at once."""

CALLS_AT_ONCE = 16
"""How many calls to Globus are under way at once at most."""

REJECTED = "Globus Auth rejects this provider's own credentials: its operator has to set them right."

NO_TOKEN = "no-token"  # noqa: S105
"""Globus Auth says of this that it is inactive, but only to clients that it knows."""

GROUPS_SCOPE = str(globus_sdk.GroupsClient.scopes.view_my_groups_and_memberships)


class UpstreamClients(ClientFactory):
    """Makes the clients for Globus Auth and Groups, with less patience than the toolkit's own (30 s a try)."""

    DEFAULT_AUTH_TRANSPORT_PARAMS = (("http_timeout", 4.0), ("max_retries", 1), ("max_sleep", 0.5))
    DEFAULT_GROUPS_TRANSPORT_PARAMS = DEFAULT_AUTH_TRANSPORT_PARAMS


class Upstream:
    """Calls to Globus: one for all who ask the same at the same time, and an end to everyone's waiting.

    A call that takes longer than anyone waits goes on by itself, for those who ask again.
    """

    def __init__(self, metrics: Metrics, patience_seconds: float = ANSWER_SECONDS) -> None:
        self._metrics = metrics
        self._patience_seconds = patience_seconds
        self._pool = ThreadPoolExecutor(CALLS_AT_ONCE, thread_name_prefix="globus")
        self._lock = threading.Lock()
        self._under_way: dict[Hashable, Future[Any]] = {}
        self._slow_waiters = 0

    def call(self, service: str, key: Hashable, function: Callable[[], T]) -> T:
        """What `function` returns or raises, run once for all who call with this `key` meanwhile.

        :param service: `auth` or `groups`: which of Globus' services it asks.

        :raises ServiceUnavailable: it does not return in time, or fails in a way that says nothing about the token; or
            too many are waiting already.
        """
        with self._lock:
            if self._slow_waiters >= SLOW_WAITERS:
                raise ServiceUnavailable("Globus is slow now, and too many wait for it already. Please try again.")
            future: Future[T] | None = self._under_way.get(key)
            if future is None:
                future = self._under_way[key] = self._pool.submit(self._run, service, key, function)
        with suppress(FutureTimeout):
            return future.result(min(SLOW_SECONDS, self._patience_seconds))
        with self._lock:
            self._slow_waiters += 1
        try:
            return future.result(self._patience_seconds - SLOW_SECONDS)
        except FutureTimeout as error:
            raise ServiceUnavailable("Globus does not answer in time. Please try again.") from error
        finally:
            with self._lock:
                self._slow_waiters -= 1

    def _run(self, service: str, key: Hashable, function: Callable[[], T]) -> T:
        begin, result = time.perf_counter(), "failed"
        try:
            answer = function()
            result = "answered"
        except Exception as error:
            raise _failure(error) from error
        else:
            return answer
        finally:
            self._metrics.globus(service, result, time.perf_counter() - begin)
            with self._lock:
                del self._under_way[key]


def _failure(error: Exception) -> ServiceUnavailable:
    """What callers are told of a failed call to Globus; the log is told more."""
    if isinstance(error, globus_sdk.AuthAPIError) and error.http_status in (401, 403):
        log.error("Globus Auth rejects this provider's own CLIENT_ID and CLIENT_SECRET: %s", error.http_status)
        return ServiceUnavailable(REJECTED)
    log.warning("No usable answer from Globus: %s: %s", type(error).__name__, " ".join(str(error).split()))
    return ServiceUnavailable("Globus gives no usable answer now. Please try again.")


class Caller(AuthState):
    """The AuthState of a token that holds, with what follows from it worked out once."""

    def __init__(
        self,
        upstream: Upstream,
        auth_client: globus_sdk.ConfidentialAppAuthClient,
        bearer_token: str,
        expected_scopes: frozenset[str],
        client_factory: ClientFactory,
    ) -> None:
        """Ask Globus Auth about the token.

        :raises InactiveTokenError: it is unknown, expired or revoked.
        :raises InvalidTokenScopesError: it is for something else.
        """
        super().__init__(auth_client, bearer_token, expected_scopes, client_factory)
        self._upstream = upstream
        self._effective_identity = _identity(self._token_data["sub"])
        self._identities = frozenset(map(_identity, self._token_data["identity_set"])) | {self._effective_identity}
        del self._token_data  # 10 KB a token, and all that counts of it has been taken out

    def _cached_introspect_call(self) -> globus_sdk.GlobusHTTPResponse:
        answer = self.auth_client.oauth2_token_introspect(self.bearer_token, include="identity_set")
        if not isinstance(answer["active"], bool):
            raise TypeError("active must be true or false")
        return answer

    @property
    def effective_identity(self) -> str:
        return self._effective_identity

    @property
    def identities(self) -> frozenset[str]:
        return self._identities

    @cached_property
    def groups(self) -> frozenset[str]:
        """The principals of the groups that the caller is in; none where this provider may not look at groups.

        :raises ServiceUnavailable: Globus Groups gives no answer.
        """
        return self._upstream.call("groups", ("groups", self.bearer_token), self._ask_for_groups)

    def _ask_for_groups(self) -> frozenset[str]:
        tokens = self.auth_client.oauth2_get_dependent_tokens(self.bearer_token).by_scopes
        if GROUPS_SCOPE not in tokens:
            log.warning("Groups count for nothing: this provider's scope does not depend on %s", GROUPS_SCOPE)
            return frozenset()
        authorizer = globus_sdk.AccessTokenAuthorizer(str(tokens[GROUPS_SCOPE]["access_token"]))
        groups = self._client_factory.make_groups_client(authorizer).get_my_groups()
        return frozenset(group_principal(str(uuid.UUID(group["id"]))) for group in groups)


class RememberingAuthStateBuilder(AuthStateBuilder):
    """Builds the AuthState of a token, and remembers it for a while; rejected tokens apart, so that they push none out.

    :param ttl_seconds: how long what Globus Auth said about a token holds.
    :param size: how many tokens are remembered; of rejected ones, a tenth of that.
    :param timer: a clock in seconds.
    """

    def __init__(
        self,
        auth_client: globus_sdk.ConfidentialAppAuthClient,
        expected_scopes: Iterable[str],
        *,
        ttl_seconds: float,
        size: int,
        metrics: Metrics,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(auth_client, expected_scopes, client_factory=UpstreamClients())
        self._metrics = metrics
        self._upstream = Upstream(metrics)
        self._lock = threading.Lock()
        self._holding: TTLCache[str, AuthState] = TTLCache(size, ttl_seconds, timer)
        self._rejected: TTLCache[str, ValueError] = TTLCache(max(1, size // 10), ttl_seconds, timer)

    def build(
        self,
        access_token: str,
        expected_scopes: Iterable[str] | None = None,  # noqa: ARG002  # as the base class has it
    ) -> AuthState:
        """The AuthState of this token; it always has to have this provider's scope.

        :raises InactiveTokenError: the token is unknown, expired or revoked.
        :raises InvalidTokenScopesError: it is for something else.
        :raises ServiceUnavailable: Globus Auth gives no answer.
        """
        verdict = self._remembered(access_token)
        self._metrics.token("asked" if verdict is None else "remembered")
        if verdict is None:
            verdict = self._upstream.call("auth", ("token", access_token), partial(self._ask, access_token))
        if isinstance(verdict, ValueError):
            raise verdict.with_traceback(None)
        return verdict

    def check(self) -> None:
        """Nothing, where Globus Auth answers and takes this provider for who it is.

        :raises ServiceUnavailable: it does not.
        """
        self._upstream.call("auth", "check", self._ask_about_nothing)

    def _ask_about_nothing(self) -> None:
        if self.auth_client.oauth2_token_introspect(NO_TOKEN)["active"] is not False:
            raise TypeError("whoever answers takes anything for a token")

    def _remembered(self, access_token: str) -> AuthState | ValueError | None:
        with self._lock:
            return self._holding.get(access_token) or self._rejected.get(access_token)

    def _ask(self, access_token: str) -> AuthState | ValueError:
        """What Globus Auth says of the token; remembered by the time that this call ends, so nobody asks twice."""
        verdict = self._remembered(access_token)
        if verdict is None:
            try:
                verdict = Caller(
                    self._upstream, self.auth_client, access_token, self.default_expected_scopes, self.client_factory
                )
            except (InactiveTokenError, InvalidTokenScopesError) as rejection:
                verdict = rejection
            with self._lock:
                if isinstance(verdict, ValueError):
                    self._rejected[access_token] = verdict
                else:
                    self._holding[access_token] = verdict
        return verdict


class RequestAuthStateBuilder(FlaskAuthStateBuilder, RememberingAuthStateBuilder):
    """Builds the AuthState of the current Flask request: the toolkit reads the header, the rest is ours."""


def open_auth(
    client_id: str, client_secret: str, scope: str, *, ttl_seconds: float, size: int, metrics: Metrics
) -> RequestAuthStateBuilder:
    """What asks Globus Auth who is calling, as the client that this provider is registered as."""
    client = UpstreamClients().make_confidential_app_auth_client(client_id, client_secret)
    return RequestAuthStateBuilder(client, [scope], ttl_seconds=ttl_seconds, size=size, metrics=metrics)


def authenticate(auth: FlaskAuthStateBuilder) -> AuthState:
    """The AuthState of the current request.

    :raises NoAuthentication: it has no token, or none that holds; with the challenge of RFC 6750, section 3.
    :raises ServiceUnavailable: Globus Auth gives no answer.
    """
    try:
        return auth.build_from_request()
    except AuthenticationError as error:
        challenge = f'Bearer realm="Globus Auth", scope="{" ".join(auth.default_expected_scopes)}"'
        if not isinstance(error, UnverifiedAuthenticationError):
            challenge += f', error="invalid_token", error_description="{error}"'
        raise NoAuthentication(
            f"{error}. Send the header 'Authorization: Bearer TOKEN' with a token that has this provider's scope.",
            headers={"WWW-Authenticate": challenge},
        ) from error


def may(auth_state: AuthState, principals: Iterable[str]) -> bool:
    """Whether the caller is, or is in, one of these principals. Globus Groups is asked only where a group may decide.

    :raises ServiceUnavailable: it was asked, and gives no answer.
    """
    return not auth_state.identities.isdisjoint(principals) or auth_state.check_authorization(
        principals, allow_public=True, allow_all_authenticated_users=True
    )


def principals(auth_state: AuthState, *, with_groups: bool) -> frozenset[str]:
    """All that the caller is: the identities and, if they are asked for, the groups.

    :raises ServiceUnavailable: Globus Groups gives no answer.
    """
    return auth_state.principals if with_groups else auth_state.identities


def _identity(id_: str) -> str:
    return identity_principal(str(uuid.UUID(id_)))
