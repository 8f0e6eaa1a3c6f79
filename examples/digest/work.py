"""Computes the digest of a text. The work takes microseconds, so the response to `run` has the result."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from app.error import InvalidRequest
from app.work import Context, Step, Succeeded

DESCRIPTION: Mapping[str, Any] = {
    "title": "Digest",
    "subtitle": "Compute the digest of a text",
    "description": "Computes a SHA-256, SHA3-256, or BLAKE2b digest of a text. The response to `run` has the result.",
    "keywords": ["digest", "checksum", "hash"],
    "admin_contact": "support@digest.example",
    "administered_by": [],
}

EXAMPLE_BODY: Mapping[str, Any] = {"text": "hello"}

SYNCHRONOUS = True

RESULT_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "required": ["algorithm", "digest", "bytes"],
    "properties": {
        "algorithm": {"type": "string", "description": "The algorithm that was used."},
        "digest": {"type": "string", "description": "The digest, in hexadecimal."},
        "bytes": {"type": "integer", "description": "The length of the text in UTF-8."},
    },
}

EXAMPLE_RESULT: Mapping[str, Any] = {
    "algorithm": "sha256",
    "digest": "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
    "bytes": 5,
}


def begin(body: Mapping[str, Any], _context: Context) -> Step:
    """Compute the digest. schema.json has made sure that the body has a text and a known algorithm.

    :raises InvalidRequest: the text has surrogates, which JSON allows and UTF-8 cannot express.
    """
    algorithm = body.get("algorithm", "sha256")
    try:
        data = body["text"].encode()
    except UnicodeEncodeError as error:
        raise InvalidRequest("body.text: half of a surrogate pair cannot be encoded in UTF-8") from error
    return Succeeded({"algorithm": algorithm, "digest": hashlib.new(algorithm, data).hexdigest(), "bytes": len(data)})
