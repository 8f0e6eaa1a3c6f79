"""ActionClient: the operations of an Action Provider as methods, on globus-sdk."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from globus_sdk import BaseClient, GlobusAPIError, GlobusError, GlobusHTTPResponse
from globus_sdk.authorizers import GlobusAuthorizer
from globus_sdk.globus_app import GlobusApp
from globus_sdk.scopes import Scope
from requests.utils import parse_header_links

from .plain_json import use_plain_json
from .polling import PATIENCE_SECONDS, BadResponse, PollResult, follow
from .scope import parse, resource_server, scope_in_document, scope_in_refusal
from .services import may_receive, of_globus
from .transport import LimitedAdapter, mount

SHORTEST_TIMEOUT_SECONDS = 5.0
STATUSES = ("active", "inactive", "succeeded", "failed")
ROLES = ("creator_id", "monitor_by", "manage_by")


class ActionAPIError(GlobusAPIError):
    """Raised when a provider responds with an error. `message` also finds the text that the toolkit sends."""

    MESSAGE_FIELDS = ["message", "detail", "description", "title"]  # noqa: RUF012 # as in the class that it extends


class ActionClient(BaseClient):
    """A client for the Action Provider at one URL.

    Every method that asks the provider returns the SDK's response, and raises `ActionAPIError` for an HTTP
    status of 400 and above, or ``globus_sdk.NetworkError``. The SDK repeats a request on 429, 5xx and broken
    connections; `run` keeps its `request_id` then, so that no second action is started.

    :param action_url: the provider's URL; only `introspect` treats a slash at the end as significant.
    :param scope: its Globus Auth scope. With an `app` and without a scope, the provider is asked for it. A service,
        which sees no consent page, should name the scope.
    :param app: logs in when needed.
    :param authorizer: supplies a token, instead of an `app`.
    :param options: further arguments of ``globus_sdk.BaseClient``.
    :raises ValueError: with an `app`, for text that is not a scope, or for the scope of a Globus service.
    :raises LookupError: with an `app`, if the provider does not name its scope.
    """

    service_name = "actions"
    error_class = ActionAPIError

    def __init__(
        self,
        action_url: str,
        *,
        scope: str | None = None,
        app: GlobusApp | None = None,
        authorizer: GlobusAuthorizer | None = None,
        **options: Any,
    ) -> None:
        self.action_url = action_url
        if app is not None and scope is None:
            scope = find_scope(ActionClient(action_url))
        if app is not None and scope is not None and not may_receive(action_url, scope):
            raise ValueError(of_globus(scope))
        self._scope = scope
        super().__init__(base_url=action_url, app=app, authorizer=authorizer, **options)
        self.base_url = action_url  # globus-sdk 3 adds a slash
        mount(self, LimitedAdapter())
        use_plain_json(self)

    @classmethod
    def new_client(cls, action_url: str, authorizer: GlobusAuthorizer | None, http_timeout: float = 10) -> ActionClient:
        """Return a client with an authorizer, as the retired ``globus_automate_client`` does."""
        client = cls(action_url, authorizer=authorizer, app_name="ActionClient")
        client.transport.http_timeout = http_timeout
        return client

    @property
    def resource_server(self) -> str | None:
        return resource_server(self._scope) if self._scope else None

    @property
    def default_scope_requirements(self) -> list[Scope]:
        return parse(self._scope) if self._scope else []

    @property
    def action_scope(self) -> str:
        """The provider's scope, requested once; "" if it names none."""
        if self._scope is None:
            self._scope = scope_in_document(self.introspect().data) or ""
        return self._scope

    def request(self, *arguments: Any, **options: Any) -> GlobusHTTPResponse:
        """Send a request, as the base class does.

        :raises BadResponse: the response is nested too deeply, too large, does not end in time, or redirects nowhere.
        """
        try:
            response = super().request(*arguments, **options)
            response.data  # noqa: B018 # parses it: globus-sdk 4.10 would do that later
            return response
        except RecursionError as error:
            raise BadResponse("The provider's response is not valid JSON: it is nested too deeply.") from error
        except GlobusError:  # some of these are ValueErrors, too
            raise
        except ValueError as error:
            raise BadResponse("The provider redirects to something that is not a URL.") from error

    def introspect(self) -> GlobusHTTPResponse:
        """Get the provider's description, including its input schema."""
        return self.get(self.action_url)

    def run(
        self,
        body: Mapping[str, Any],
        request_id: str | None = None,
        manage_by: Iterable[str] | None = None,
        monitor_by: Iterable[str] | None = None,
        label: str | None = None,
        *,
        run_managers: str | Iterable[str] | None = None,
        run_monitors: str | Iterable[str] | None = None,
        force_path: str | None = None,
        **fields: Any,
    ) -> GlobusHTTPResponse:
        """Start an action.

        :param body: the provider's input.
        :param request_id: identifies this request: repeating it does not start a second action. A new one by default.
        :param manage_by: principal URNs (``urn:globus:auth:identity:UUID``, ``urn:globus:groups:id:UUID``) of those who
            may also cancel and release it.
        :param monitor_by: principal URNs of those who may see it.
        :param label: a short text to recognize the action by.
        :param run_managers: further values of `manage_by`, under the name that the retired library also accepted.
        :param run_monitors: further values of `monitor_by`, likewise.
        :param force_path: a path below `action_url`, or a URL, to post to in place of ``/run``.
        :param fields: further fields of the request, such as `deadline` and `release_after`.
        """
        request = {
            "request_id": request_id or str(uuid.uuid4()),
            "body": body,
            "manage_by": _merged(manage_by, run_managers),
            "monitor_by": _merged(monitor_by, run_monitors),
            "label": label,
            **fields,
        }
        given = {name: value for name, value in request.items() if value is not None}
        return self.post(self._forced_url(force_path) if force_path else self._url("run"), data=given)

    def status(self, action_id: str) -> GlobusHTTPResponse:
        """Get the status of an action."""
        return self.get(self._url(action_id, "status"))

    def cancel(self, action_id: str) -> GlobusHTTPResponse:
        """Cancel an action."""
        return self.post(self._url(action_id, "cancel"))

    def release(self, action_id: str) -> GlobusHTTPResponse:
        """Release a complete action: the provider deletes it."""
        return self.post(self._url(action_id, "release"))

    def resume(self, action_id: str) -> GlobusHTTPResponse:
        """Resume an INACTIVE action."""
        return self.post(self._url(action_id, "resume"))

    def log(
        self,
        action_id: str,
        limit: int = 10,
        reverse_order: bool = False,
        marker: str | None = None,
        per_page: int | None = None,
    ) -> GlobusHTTPResponse:
        """Get one page of an action's log. Not every provider keeps logs."""
        query = {
            "limit": limit,
            "reverse_order": "true" if reverse_order else None,
            "pagination_token": marker,
            "per_page": per_page if marker is None else None,
        }
        given = {name: value for name, value in query.items() if value is not None}
        return self.get(self._url(action_id, "log"), query_params=given)

    def enumerate(
        self, statuses: Iterable[str] = STATUSES, roles: Iterable[str] = ("creator_id",), limit: int | None = None
    ) -> Iterator[dict[str, Any]]:
        """Yield the actions in which the caller has any of the `roles`, page by page. Not every provider lists actions.

        :param limit: the largest number of actions in a page; the provider's choice by default.
        :raises ValueError: a response is not a list of actions.
        """
        query: dict[str, Any] = {"status": ",".join(statuses), "roles": ",".join(roles)}
        if limit is not None:
            query["limit"] = limit
        seen: set[str] = set()
        while True:
            response = self.get(self._url("actions"), query_params=query)
            page = response.data
            if not isinstance(page, list) or not all(isinstance(action, dict) for action in page):
                raise ValueError("The provider's response is not a list of actions.")
            yield from page
            link = _next_link(response)
            if link is None or link in seen:
                return
            seen.add(link)
            # only its query: if it points to another host, the token must not go there
            query = dict(parse_qsl(urlsplit(link).query))

    def follow(
        self,
        action_id: str,
        *,
        patience_seconds: float = PATIENCE_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Iterator[PollResult]:
        """Poll an action until it is complete."""
        longest = max(patience_seconds, SHORTEST_TIMEOUT_SECONDS)
        return follow(lambda: self._poll(action_id, longest), patience_seconds=patience_seconds, sleep=sleep)

    def wait(self, action_id: str, *, patience_seconds: float = PATIENCE_SECONDS) -> dict[str, Any]:
        """Wait until an action has SUCCEEDED or FAILED, and return its status.

        :param patience_seconds: how long to tolerate a provider that does not respond properly.
        :raises GlobusAPIError: the provider refused, or responded with 429 or 5xx for longer than that.
        :raises globus_sdk.NetworkError: there was no response for longer than that.
        :raises BadResponse: the responses were not a status for longer than that.
        """
        document: dict[str, Any] = {}
        for result in self.follow(action_id, patience_seconds=patience_seconds):
            document = result.document or {}
        return document

    def _poll(self, action_id: str, timeout_seconds: float) -> GlobusHTTPResponse:
        """Return its status, by one request that takes no longer than `timeout_seconds`: `follow` does the retries."""
        own = self.transport.http_timeout
        limit = timeout_seconds if own is None else min(own, timeout_seconds)
        try:
            with self._without_retries(), self.transport.tune(http_timeout=limit):
                return self.status(action_id)
        except GlobusAPIError as error:
            if error.http_status != 401:
                raise
            return self.status(action_id)  # the SDK renews a token as part of its retries

    @contextlib.contextmanager
    def _without_retries(self) -> Iterator[None]:
        policy: Any = getattr(self, "retry_config", self.transport)  # the former since globus-sdk 4
        kept, policy.max_retries = policy.max_retries, 0
        try:
            yield
        finally:
            policy.max_retries = kept

    def _forced_url(self, path: str) -> str:
        if path.startswith(("http://", "https://")):
            return path
        return f"{self.action_url.rstrip('/')}/{path.lstrip('/')}"

    def _url(self, *parts: str) -> str:
        # complete, since globus-sdk quotes a path, and a part is quoted here: it may hold a slash
        return "/".join(
            [self.action_url.rstrip("/"), *(quote(part, safe="", errors="surrogatepass") for part in parts)]
        )


def find_scope(client: ActionClient) -> str:
    """Ask a provider for its scope.

    :param client: a client without a token, because the provider is not trusted with one yet.
    :raises LookupError: the provider does not name its scope.
    """
    try:
        scope = scope_in_document(client.introspect().data)
    except GlobusAPIError as error:
        if error.http_status not in (401, 403):
            raise
        scope = scope_in_refusal(error)
    if scope is None:
        raise LookupError(f"{client.action_url} does not name its scope without a token: give `scope`.")
    return scope


def _merged(principals: Iterable[str] | None, more: str | Iterable[str] | None) -> list[str] | None:
    """Return both without duplicates, in order; None if neither is given."""
    if principals is None and more is None:
        return None
    return list(dict.fromkeys([*(principals or ()), *([more] if isinstance(more, str) else more or ())]))


def _next_link(response: GlobusHTTPResponse) -> str | None:
    links = parse_header_links(response.headers.get("Link", ""))
    return next((str(link["url"]) for link in links if link.get("rel") == "next"), None)
