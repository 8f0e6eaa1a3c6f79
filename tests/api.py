"""A caller of an Action Provider in tests: one method per operation, each with the expected status code."""

from __future__ import annotations

import itertools
import re
from typing import Any, cast

import orjson
from flask import Flask
from flask.testing import FlaskClient
from globus_action_provider_tools.validation import ValidationRequest, response_validator
from werkzeug.exceptions import HTTPException

from app.provider import Provider

_numbers = itertools.count()


def provider_of(app: Flask) -> Provider:
    """Return what the handlers of an application work with."""
    return cast(Provider, app.extensions["provider"])


class Caller:
    def __init__(self, client: FlaskClient, token: str | None) -> None:
        self._client = client
        self._headers = {} if token is None else {"Authorization": f"Bearer {token}"}

    def request(self, method: str, path: str, expect: int, **options: Any) -> Any:
        """Return the JSON of the response, whose status code must be `expect`."""
        headers = self._headers | options.pop("headers", {})
        response = self._client.open(path, method=method, headers=headers, **options)
        assert response.status_code == expect, response.get_data(as_text=True)
        check_described(self._client.application, method, path, expect)
        assert response.mimetype == "application/json"
        return response.json

    def introspect(self, expect: int = 200) -> Any:
        return self.request("GET", "/", expect)

    def run(self, expect: int = 202, *, utc_offset: float = 1, **fields: Any) -> Any:
        document = {"request_id": f"request-{next(_numbers)}", "body": {"utc_offset": utc_offset}, **fields}
        return self._status_document(self.request("POST", "/run", expect, json=document), expect)

    def status(self, action_id: str, expect: int = 200) -> Any:
        return self._status_document(self.request("GET", f"/{action_id}/status", expect), expect)

    def cancel(self, action_id: str, expect: int = 200) -> Any:
        return self._status_document(self.request("POST", f"/{action_id}/cancel", expect), expect)

    def release(self, action_id: str, expect: int = 200) -> Any:
        return self._status_document(self.request("POST", f"/{action_id}/release", expect), expect)

    def resume(self, action_id: str, expect: int) -> Any:
        return self._status_document(self.request("POST", f"/{action_id}/resume", expect), expect)

    def log(self, action_id: str, expect: int = 200, **query: Any) -> Any:
        return self.request("GET", f"/{action_id}/log", expect, query_string=query)

    def enumerate(self, expect: int = 200, **query: Any) -> Any:
        documents = self.request("GET", "/actions", expect, query_string=query)
        for document in documents:
            check_status_document(document)
        return documents

    @staticmethod
    def _status_document(document: Any, expect: int) -> Any:
        if expect < 300:
            check_status_document(document)
        return document


def check_described(app: Flask, method: str, path: str, status: int) -> None:
    """Check that the OpenAPI description of this operation, if there is one, lists this status code."""
    try:
        rule, _ = app.url_map.bind("").match(path.partition("?")[0], method, return_rule=True)
    except HTTPException:
        return
    paths = orjson.loads(provider_of(app).openapi)["paths"]
    operation = paths.get(re.sub("<(.+?)>", r"{\1}", rule.rule), {}).get(method.lower())
    assert operation is None or str(status) in operation["responses"], (method, path, status)


def check_status_document(document: Any) -> None:
    """Check that this is a valid action status by the toolkit's model."""
    assert response_validator(ValidationRequest("ActionStatus", document)).error_msg is None
    assert None not in document.values()


def check_error(document: Any, code: str) -> None:
    """Check that this has the form of an error."""
    assert document.keys() == {"code", "description", "errors"}
    assert document["code"] == code
    assert document["errors"]
    assert all(error.keys() == {"code", "detail"} and error["code"] == code for error in document["errors"])
    assert document["description"] == "; ".join(error["detail"] for error in document["errors"])
