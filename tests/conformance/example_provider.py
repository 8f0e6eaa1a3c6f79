"""A small Action Provider for testing the suite. It shares no code with ours, and can have deliberate defects."""

from __future__ import annotations

import contextlib
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from local_globus.server import QuietRequestHandler

Json = dict[str, Any]
Answer = tuple[int, Any]
Tamper = Callable[["Call", int, Any], "Answer | Response"]

ANNE, BERT = "example-token-anne", "example-token-bert"
PEOPLE = {
    ANNE: "urn:globus:auth:identity:0a000000-0000-4000-8000-00000000a22e",
    BERT: "urn:globus:auth:identity:0a000000-0000-4000-8000-00000000be27",
}
SCHEMA: Json = {
    "type": "object",
    "properties": {"text": {"type": "string"}},
    "required": ["text"],
    "additionalProperties": False,
}
DESCRIPTION: Json = {
    "types": ["Action"],
    "api_version": "1.0",
    "title": "An example",
    "synchronous": False,
    "log_supported": True,
    "runnable_by": ["all_authenticated_users"],
    "visible_to": ["public"],
    "globus_auth_scope": "https://auth.globus.org/scopes/0a000000-0000-4000-8000-000000000000/example",
    "admin_contact": "nobody@example.org",
    "input_schema": SCHEMA,
}


@dataclass(frozen=True)
class Call:
    """A request, as the provider understands it. `caller` is a principal, or None if the token is not valid."""

    operation: str
    caller: str | None
    action_id: str = ""
    data: bytes = b""
    query: Mapping[str, str] = field(default_factory=dict)


class Refused(Exception):
    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class ExampleProvider:
    """A WSGI application.

    :param seconds: how long an action takes; 0 makes the provider synchronous.
    :param paused: an action is INACTIVE, with these details, until it is resumed.
    :param with_resume: it has the operation resume.
    :param defects: names of good habits that it lacks, see `without`.
    :param tamper: changes an answer before it is sent.
    """

    def __init__(
        self,
        *,
        seconds: float = 0.1,
        paused: Json | None = None,
        with_resume: bool = True,
        defects: Iterable[str] = (),
        tamper: Tamper | None = None,
    ) -> None:
        self.seconds = seconds
        self.paused = paused
        self.with_resume = with_resume
        self.defects = frozenset(defects)
        self.tamper = tamper
        self.actions: dict[str, Json] = {}
        self.requests: dict[tuple[str, str], tuple[Json, str]] = {}
        self.lock = threading.Lock()

    def without(self, habit: str) -> bool:
        """Whether the provider lacks this good habit."""
        return habit in self.defects

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        call = self.understand(Request(environ))
        try:
            code, document = self.answer(call)
        except Refused as refused:
            code, document = refused.code, {"code": str(refused.code), "description": "Refused"}
        result = self.tamper(call, code, document) if self.tamper else (code, document)
        if not isinstance(result, Response):
            response = Response(json.dumps(result[1]), result[0], content_type="application/json")
            response.headers["Access-Control-Allow-Origin"] = "*"
            response.headers["WWW-Authenticate"] = "Bearer"
            result = response
        return result(environ, start_response)

    @staticmethod
    def understand(request: Request) -> Call:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        parts = [part for part in request.path.split("/") if part]
        operation = parts[-1] if parts else "introspect"
        action_id = parts[0] if len(parts) == 2 else ""
        return Call(operation, PEOPLE.get(token), action_id, request.get_data(), request.args)

    def answer(self, call: Call) -> Answer:
        if call.operation == "introspect":
            return 200, {**DESCRIPTION, "synchronous": self.seconds == 0 and self.paused is None}
        if call.caller is None:
            raise Refused(401)
        handlers: dict[str, Callable[[Call], Answer]] = {
            "run": self.run,
            "actions": self.enumerate,
            "status": self.status,
            "cancel": self.cancel,
            "release": self.release,
            "log": self.log,
            **({"resume": self.resume} if self.with_resume else {}),
        }
        if call.operation not in handlers:
            raise Refused(404)
        return handlers[call.operation](call)

    def run(self, call: Call) -> Answer:
        request = self.valid(call.data)
        key = (str(call.caller) if not self.without("own request_ids") else "", request["request_id"])
        if self.without("a lock"):
            known = self.requests.get(key)
            time.sleep(0.02)
            return self.start(call, key, request, known)
        with self.lock:
            return self.start(call, key, request, self.requests.get(key))

    def start(self, call: Call, key: tuple[str, str], request: Json, known: tuple[Json, str] | None) -> Answer:
        if known and not self.without("memory of requests"):
            if known[0] != request and not self.without("comparison of contents"):
                raise Refused(409)
            return 200, self.view(self.actions[known[1]])
        now = datetime.now(UTC)
        action = {
            "action_id": str(uuid.uuid4()),
            "status": "ACTIVE" if self.paused is None else "INACTIVE",
            "creator_id": call.caller,
            "start_time": now.isoformat(),
            "details": {"looks": 0} if self.paused is None else self.paused,
            "release_after": request.get("release_after", "P30D"),
            "monitor_by": request.get("monitor_by") or [call.caller],
            "manage_by": request.get("manage_by") or [call.caller],
            **({"label": request["label"]} if "label" in request else {}),
            "_end": time.monotonic() + self.seconds,
            "_key": key,
        }
        self.actions[action["action_id"]] = action
        self.requests[key] = request, action["action_id"]
        return 202, self.view(action)

    def valid(self, data: bytes) -> Json:
        try:
            request = json.loads(data)
        except ValueError as error:
            raise Refused(400) from error
        if not isinstance(request, dict) or not isinstance(request.get("request_id"), str):
            raise Refused(400)
        body = request.get("body")
        if not isinstance(body, dict) or set(body) != {"text"} or not isinstance(body["text"], str):
            raise Refused(400)
        if self.without("strictness"):
            return request
        allowed = {"request_id", "body", "label", "monitor_by", "manage_by", "deadline", "release_after"}
        lists = [request.get(name, []) for name in ("monitor_by", "manage_by")]
        if set(request) - allowed or len(request.get("label", "")) > 64 or any("nobody" in names for names in lists):
            raise Refused(400)
        if request.get("deadline") == "soon" or request.get("release_after") == "a while":
            raise Refused(400)
        return request

    def view(self, action: Json) -> Json:
        if action["status"] == "ACTIVE" and time.monotonic() >= action["_end"]:
            self.end(action, "SUCCEEDED", {"echo": "done"})
        elif action["status"] == "ACTIVE":
            looks = action["details"]["looks"] + 1
            action.update(details={"looks": looks}, display_status=f"Looked at {looks} times")
        return {name: value for name, value in action.items() if not name.startswith("_")}

    @staticmethod
    def end(action: Json, status: str, details: Json) -> None:
        times = {"completion_time": datetime.now(UTC).isoformat()}
        action.update(status=status, details=details, display_status=status.capitalize(), **times)

    def find(self, call: Call, role: str) -> Json:
        """Return the action if the caller may see or manage it (403 if the caller may only see it)."""
        action = self.actions.get(call.action_id)
        if action is None:
            raise Refused(404)
        if (
            call.caller != action["creator_id"]
            and call.caller not in action[role]
            and not self.without("access control")
        ):
            raise Refused(403 if call.caller in action["monitor_by"] else 404)
        return action

    def status(self, call: Call) -> Answer:
        return 200, self.view(self.find(call, "monitor_by"))

    def log(self, call: Call) -> Answer:
        action = self.find(call, "monitor_by")
        record = {"time": action["start_time"], "code": "STARTED", "description": "The action started."}
        return 200, {"entries": [record], "limit": 10, "has_next_page": False}

    def cancel(self, call: Call) -> Answer:
        action = self.find(call, "manage_by")
        if self.without("cancellation"):
            raise Refused(400)
        if self.is_complete(action) and not self.without("ends that stay"):
            raise Refused(409)
        self.end(action, "FAILED", {"error": "CANCELLED"})
        return 200, self.view(action)

    def resume(self, call: Call) -> Answer:
        action = self.find(call, "manage_by")
        if self.view(action)["status"] != "INACTIVE":
            if self.without("conflicts of resume"):
                self.end(action, "SUCCEEDED", {"echo": "resumed"})
                return 200, self.view(action)
            raise Refused(409)
        action.update(status="ACTIVE", details={"looks": 0}, _end=time.monotonic() + self.seconds)
        return 200, self.view(action)

    def is_complete(self, action: Json) -> bool:
        return self.view(action)["status"] in ("SUCCEEDED", "FAILED")

    def release(self, call: Call) -> Answer:
        action = self.find(call, "manage_by")
        last = self.view(action)
        if not self.is_complete(action) and not self.without("patience"):
            raise Refused(409)
        if not self.without("forgetting"):
            del self.actions[call.action_id]
            self.requests.pop(action["_key"], None)
        return 200, last

    def enumerate(self, call: Call) -> Answer:
        roles = call.query.get("roles", "creator_id").split(",")
        views = [self.view(action) for action in list(self.actions.values())]
        mine = [view for view in views if any(call.caller == view[role] or call.caller in view[role] for role in roles)]
        wanted = call.query.get("status", "active").upper().split(",")
        seen = views if self.without("access control") else mine
        return 200, [view for view in seen if view["status"] in wanted]


@contextlib.contextmanager
def serving(application: Any) -> Iterator[str]:
    """Serve a WSGI application, and yield its URL."""
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=QuietRequestHandler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
