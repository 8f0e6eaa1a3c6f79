"""Make globus-sdk read and write JSON with Python's own library, even if orjson is installed.

Since release 4.10, globus-sdk uses orjson if it is installed. orjson refuses what other JSON libraries accept:
a lone surrogate in a string makes a whole status unreadable, and whole numbers above 64 bits cannot be sent.
"""

from __future__ import annotations

from typing import Any

from globus_sdk import BaseClient


def use_plain_json(client: BaseClient) -> None:
    """Have this client avoid orjson. Older releases of globus-sdk never use it."""
    providers: Any = getattr(client.transport, "representation_providers", None)
    if not isinstance(providers, dict) or "json" not in providers:
        return
    own: Any = type(providers["json"])

    class PlainJsonProvider(own):  # type: ignore[misc]  # its class is not in every release
        def encode(self, method: str, url: str, params: Any, data: Any, headers: Any) -> Any:
            import requests

            if data is not None:
                headers = {"Content-Type": "application/json", **headers}
            return requests.Request(
                method,
                url,
                json=self._prepare_data(data),
                params=self._prepare_params(params),
                headers=self._prepare_headers(headers),
            )

        def decode_body(self, response: Any) -> Any:
            return response.json()

    client.transport.representation_providers = {**providers, "json": PlainJsonProvider()}  # type: ignore[attr-defined]
