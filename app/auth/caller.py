"""The caller of a request: identities, groups, and tokens to act on the caller's behalf."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from typing import Any

import globus_sdk
from globus_action_provider_tools import AuthState
from globus_action_provider_tools.authentication import group_principal, identity_principal
from globus_action_provider_tools.client_factory import ClientFactory

from app.auth.upstream import Upstream
from app.work import ConsentRequired

log = logging.getLogger(__name__)

GROUPS_SCOPE = str(globus_sdk.GroupsClient.scopes.view_my_groups_and_memberships)


class Caller(AuthState):
    """The toolkit's AuthState of a valid token, with everything derived from the token computed once.

    `effective_identity` is the principal URN of the identity that the token was issued to; `identities` are those of
    all linked identities. They are attributes here; the toolkit computes them each time.
    """

    effective_identity: str = ""
    identities: frozenset[str] = frozenset()

    def __init__(
        self,
        upstream: Upstream,
        auth_client: globus_sdk.ConfidentialAppAuthClient,
        bearer_token: str,
        expected_scopes: frozenset[str],
        client_factory: ClientFactory,
    ) -> None:
        """Ask Globus Auth about the token.

        :raises InactiveTokenError: it is unknown, expired, or revoked.
        :raises InvalidTokenScopesError: it lacks this provider's scope.
        """
        super().__init__(auth_client, bearer_token, expected_scopes, client_factory)
        self._upstream = upstream
        self.effective_identity = _identity(self._token_data["sub"])
        self.identities = frozenset(map(_identity, self._token_data["identity_set"])) | {self.effective_identity}
        self._groups: frozenset[str] | None = None
        self._tokens: Mapping[str, Mapping[str, Any]] = {}
        del self._token_data  # frees 10 KB per token; everything needed was taken from it

    def _cached_introspect_call(self) -> globus_sdk.GlobusHTTPResponse:
        answer = self.auth_client.oauth2_token_introspect(self.bearer_token, include="identity_set")
        if not isinstance(answer["active"], bool):
            raise TypeError("active must be true or false")
        return answer

    @property
    def groups(self) -> frozenset[str]:
        """The principal URNs of the caller's groups; empty if this provider's scope does not include Groups.

        :raises Unavailable: Globus Groups does not answer.
        """
        if self._groups is None:
            self._groups = self._upstream.call("groups", ("groups", self.bearer_token), self._ask_for_groups)
        return self._groups

    def token(self, scope: str) -> str:
        """Return an access token for `scope`, to act as the caller elsewhere (a dependent token of Globus Auth).

        :raises ConsentRequired: the caller has not consented to `scope`.
        :raises Unavailable: Globus Auth does not answer.
        """
        if scope not in self._tokens:
            self._tokens = self._upstream.call(
                "auth", ("dependent", self.bearer_token), self._ask_for_tokens, known=True
            )
        if scope not in self._tokens:
            raise ConsentRequired(f"{next(iter(self.expected_scopes))}[{scope}]")
        return str(self._tokens[scope]["access_token"])

    def _ask_for_tokens(self) -> Any:
        """Return the dependent tokens by scope; empty if the caller has consented to none."""
        try:
            return self.auth_client.oauth2_get_dependent_tokens(self.bearer_token).by_scopes
        except globus_sdk.AuthAPIError as error:
            if error.info.consent_required or error.code == "DEPENDENT_CONSENT_REQUIRED":
                return {}
            raise

    def _ask_for_groups(self) -> frozenset[str]:
        tokens = self._ask_for_tokens()
        if GROUPS_SCOPE not in tokens:
            log.warning("Groups are ignored: this provider's scope does not depend on %s", GROUPS_SCOPE)
            return frozenset()
        authorizer = globus_sdk.AccessTokenAuthorizer(str(tokens[GROUPS_SCOPE]["access_token"]))
        groups = self._client_factory.make_groups_client(authorizer).get_my_groups()
        return frozenset(group_principal(str(uuid.UUID(group["id"]))) for group in groups)


def _identity(id_: str) -> str:
    return identity_principal(str(uuid.UUID(id_)))
