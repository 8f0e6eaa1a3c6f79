"""JSON by orjson: several times as fast as Flask's own encoder, with times in ISO 8601."""

from __future__ import annotations

from typing import Any

import orjson
from flask import Response
from flask.json.provider import JSONProvider


def to_json(document: Any) -> bytes:
    """Return the document as JSON text with a final newline."""
    return orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE)


class OrjsonProvider(JSONProvider):
    """Flask's JSON provider (its documented hook), by orjson."""

    def dumps(self, obj: Any, **_options: Any) -> str:
        return orjson.dumps(obj).decode()

    def loads(self, s: str | bytes, **_options: Any) -> Any:
        return orjson.loads(s)

    def response(self, *args: Any, **kwargs: Any) -> Response:
        body = to_json(self._prepare_response_obj(args, kwargs))
        response: Response = self._app.response_class(body, content_type="application/json")
        return response
