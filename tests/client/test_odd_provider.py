"""The commands, against a provider that misbehaves."""

from __future__ import annotations

import gzip
import json
import re
import threading
from collections.abc import Callable
from typing import Any

import pytest
import requests

from client import ActionClient
from client.console import Console
from client.interactive import ask_for_body
from client.page import actions_table, log_table, provider_page
from client.polling import BadResponse
from client.reporting import RETRIES
from client.transport import within
from tests.client.conftest import BODY, Command, Done
from tests.client.odd_provider import DESCRIPTION, SCOPE, CannedResponse, OddProvider, action
from tests.processes import free_port


@pytest.fixture
def odd_command(command: Command, odd: OddProvider, naps: list[float]) -> Command:
    return lambda *arguments, **options: command(*arguments, **{"url": odd.url, "token": "a-token-of-mine", **options})


@pytest.mark.parametrize(
    ("status", "exit_code"),
    [
        (400, 2),
        (401, 3),
        (403, 3),
        (404, 4),
        (405, 4),
        (409, 5),
        (413, 2),
        (422, 2),
        (418, 6),
        (429, 6),
        (500, 6),
        (503, 6),
    ],
)
def test_each_kind_of_error_has_its_exit_code(
    odd_command: Command, odd: OddProvider, status: int, exit_code: int
) -> None:
    odd.answer("GET /a/status", CannedResponse(status, {"code": "Because", "description": "It is so."}))
    done = odd_command("status", "a")
    assert (done.exit_code, done.out) == (exit_code, "")
    assert done.err.endswith(f"Error: {status} Because: It is so.\n")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"errors": [{"detail": "one"}, {"detail": "two"}]}, "409 Conflict:\n  - one\n  - two\n"),
        ({"title": "Conflict", "detail": "It is so."}, "409 Conflict: It is so.\n"),
        ({"code": "X", "message": "It is so.", "request_id": "r"}, "409 X: It is so.\n"),
        ("<html><title>Oops</title><body><h1>It is &quot;so&quot;</h1></body></html>", '409 Conflict: It is "so"\n'),
        ("", "409 Conflict\n"),
        (["what?"], '409 Conflict: ["what?"]\n'),
        ({"description": "red \x1b[31malert\x9b"}, "409 Conflict: red [31malert\n"),
        ({"description": "a-token-of-mine is wrong"}, "409 Conflict: *** is wrong\n"),
        ({"description": "x" * 5000}, f"409 Conflict: {'x' * 299}…\n"),
        ({"description": "x" * 290 + "a-token-of-mine"}, f"409 Conflict: {'x' * 290}***\n"),
        ({"description": "x" * 297 + "a-token-of-mine"}, f"409 Conflict: {'x' * 297}***\n"),
        ({"errors": [{"detail": "x" * 290 + "a-token-of-mine"}]}, f"409 Conflict: {'x' * 290}***\n"),
        ({"description": "a-token\x01-of-mine is wrong"}, "409 Conflict: *** is wrong\n"),
        ({"description": "one\nError: two\r\n\u2028three"}, "409 Conflict: one Error: two three\n"),
        ({"code": "A\nB", "description": "so"}, "409 A B: so\n"),
        ({"errors": [{"detail": "one\n"}, {"detail": "tw\no"}]}, "409 Conflict:\n  - one\n  - tw o\n"),
        ({"description": "\u202eabc\u2066 a\u200f\u061c\ufeffb"}, "409 Conflict: abc ab\n"),
        ("<" * 9_990 + "a-token-of-mine", f"409 Conflict: {'<' * 299}…\n"),
        ("<style>" * 1_000_000, "409 Conflict\n"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_every_form_of_error_becomes_a_sentence(odd_command: Command, odd: OddProvider, body: Any, said: str) -> None:
    odd.answer("GET /a/status", CannedResponse(409, body))
    assert odd_command("status", "a").err == f"Error: {said}"


def test_a_very_short_token_is_not_hidden(odd_command: Command, odd: OddProvider) -> None:
    odd.answer("GET /a/status", CannedResponse(409, {"description": "It is so."}))
    assert odd_command("status", "a", token="s").err == "Error: 409 Conflict: It is so.\n"


def test_a_response_that_is_too_large_is_exit_code_6(
    odd_command: Command, odd: OddProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("client.transport.LARGEST_RESPONSE_BYTES", 1000)
    for body, encoding in ((b"x" * 1001, "identity"), (gzip.compress(b"x" * 1001), "gzip")):
        odd.answer("GET /a/status", CannedResponse(200, body, {"Content-Encoding": encoding}))
        done = odd_command("status", "a")
        assert (done.exit_code, done.out) == (6, "")
        assert done.err == "Error: The provider's response is larger than 1,000 bytes.\n"


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> list[float | None]:
    """The total times that responses were given; in fact each has a fifth of a second."""
    given: list[float | None] = []

    def within_a_moment(seconds: float | None, work: Callable[[], requests.Response]) -> requests.Response:
        given.append(seconds)
        return within(0.2, work)

    monkeypatch.setattr("client.transport.within", within_a_moment)
    return given


@pytest.mark.parametrize("drips", ["head", "body"])
def test_a_response_that_drips_has_a_total_time(
    odd_command: Command, odd: OddProvider, limits: list[float | None], drips: str
) -> None:
    odd.answer("GET /a/status", CannedResponse(200, "{", drips=drips))
    odd.answer("POST /run", CannedResponse(200, "{", drips=drips))
    for typed in ("status a", "status a --watch --patience 0"):
        done = odd_command(*typed.split())
        assert (done.exit_code, done.out) == (6, "")
        assert "Error: The response did not end within 0.2 seconds.\n" in done.err
    started = odd_command("run", "--no-check", "-b", BODY)
    assert (started.exit_code, started.out) == (6, "")
    assert f"To repeat this safely, add --request-id {odd.bodies[-1]['request_id']}" in started.err
    assert limits == [70, 10, 70]


def test_polling_once_takes_no_longer_than_the_patience(odd: OddProvider, limits: list[float | None]) -> None:
    odd.answer("GET /a/status", CannedResponse(200, "{", drips="body"))
    for seconds, limit in ((20, 30), (0, 10), (100, 70)):
        assert isinstance(next(ActionClient(odd.url).follow("a", patience_seconds=seconds)).trouble, BadResponse)
        assert limits.pop() == limit


@pytest.mark.parametrize("status", [200, 409])
def test_a_response_nested_too_deeply_is_not_json(odd_command: Command, odd: OddProvider, status: int) -> None:
    odd.answer("GET /", CannedResponse(status, "[" * 100_000, {"Content-Type": "application/json"}))
    odd.answer("POST /run", action("ACTIVE"))
    done = odd_command("introspect")
    assert (done.exit_code, done.out) == (6, "")
    assert done.err == "Error: The provider's response is not valid JSON: it is nested too deeply.\n"
    assert odd_command("run", "-b", "{}").exit_code == 0


def test_a_response_nested_too_deeply_to_show_is_exit_code_6(odd_command: Command, odd: OddProvider) -> None:
    odd.answer(
        "GET /a/status", CannedResponse(200, '{"a": ' * 700 + "1" + "}" * 700, {"Content-Type": "application/json"})
    )
    done = odd_command("status", "a", "--format", "yaml")
    assert (done.exit_code, done.out) == (6, "")
    assert done.err == "Error: The provider's response is nested too deeply.\n"


@pytest.mark.parametrize("body", ["", "<html>", "null", "[]", '"text"', "{", "[" * 100_000], ids=lambda body: body[:9])
@pytest.mark.parametrize("arguments", ["introspect", "status a", "run -b {}", "cancel a"])
def test_a_response_that_is_not_an_object_is_exit_code_6(
    odd_command: Command, odd: OddProvider, body: str, arguments: str
) -> None:
    for request in ("GET /", "GET /a/status", "POST /run", "POST /a/cancel"):
        odd.answer(request, CannedResponse(200, body, {"Content-Type": "application/json"}))
    done = odd_command(*arguments.split())
    assert (done.exit_code, done.out) == (6, "")


def test_a_request_is_repeated_with_the_same_request_id(odd_command: Command, odd: OddProvider) -> None:
    odd.answer("POST /run", CannedResponse(503, "busy"), CannedResponse(None), action("ACTIVE"))
    done = odd_command("run", "-b", BODY)
    assert done.json["status"] == "ACTIVE"
    ids = [body["request_id"] for body in odd.bodies if body]
    assert len(ids) == 3
    assert len(set(ids)) == 1
    assert "the connection broke. Trying again for a while …" in done.err


def test_a_run_without_a_response_can_be_repeated(odd_command: Command, odd: OddProvider) -> None:
    odd.answer("POST /run", CannedResponse(None))
    done = odd_command("run", "-b", BODY)
    assert (done.exit_code, done.out) == (6, "")
    assert f"To repeat this safely, add --request-id {odd.bodies[-1]['request_id']}" in done.err
    assert len(odd.requests) == 1 + 1 + RETRIES


def test_a_refused_connection(command: Command, naps: list[float]) -> None:
    port = free_port()
    done = command("status", "a", url=f"http://127.0.0.1:{port}", token="a-token-of-mine")
    assert (done.exit_code, done.out) == (6, "")
    assert done.err.endswith(
        f"Error: No response from 127.0.0.1:{port}: the connection was refused. Is it running, and is its URL right?\n"
    )
    assert 3 < sum(naps) < 12


def test_a_long_wait_is_reported(odd_command: Command, odd: OddProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    class AtOnce(threading.Timer):
        def start(self) -> None:
            self.function(*self.args, **self.kwargs)

    monkeypatch.setattr("client.reporting.threading.Timer", AtOnce)
    odd.answer("GET /a/status", action("ACTIVE"))
    done = odd_command("status", "a")
    assert done.err == f"Waiting for a response from {odd.url.removeprefix('http://')} …\n"
    assert done.json["status"] == "ACTIVE"


def test_retry_after_is_honored(odd_command: Command, odd: OddProvider, naps: list[float]) -> None:
    odd.answer("GET /a/status", CannedResponse(429, "", {"Retry-After": "7"}), action("ACTIVE"))
    assert odd_command("status", "a").exit_code == 0
    assert naps == [7]


def watch(odd_command: Command, odd: OddProvider, *answers: CannedResponse, patience: str = "60") -> Done:
    odd.answer("GET /a/status", *answers)
    return odd_command("status", "--watch", "--patience", patience, "a")


def test_watching_survives_all_kinds_of_trouble(odd_command: Command, odd: OddProvider, naps: list[float]) -> None:
    trouble = [
        CannedResponse(None),
        CannedResponse(502, "bad gateway"),
        CannedResponse(200, "<html>"),
        CannedResponse(200, {"status": "GONE FISHING"}),
    ]
    done = watch(odd_command, odd, action("ACTIVE"), *trouble, action("ACTIVE"), action("SUCCEEDED"))
    assert (done.exit_code, done.json["status"]) == (0, "SUCCEEDED")
    assert "502 Bad Gateway; trying again …" in done.err
    assert len(odd.requests) == 7
    assert naps == sorted(naps)
    assert 0.9 < naps[0] < 1.1 < naps[-1]


def test_watching_honors_retry_after(odd_command: Command, odd: OddProvider, naps: list[float]) -> None:
    busy = CannedResponse(429, "", {"Retry-After": "45"})
    done = watch(odd_command, odd, busy, action("ACTIVE"), action("SUCCEEDED"), patience="60")
    assert done.exit_code == 0
    assert 44 < naps[0] <= 45


def test_watching_gives_up(odd_command: Command, odd: OddProvider) -> None:
    for answer in (CannedResponse(None), CannedResponse(500, "oops"), CannedResponse(200, "{}"), CannedResponse(204)):
        done = watch(odd_command, odd, answer, patience="0")
        assert (done.exit_code, done.out) == (6, "")
        assert re.search(r"\nError: .+\n  Watch it again: .+\n  Cancel it: .+\n$", done.err)


def test_watching_ends_when_the_action_is_gone(odd_command: Command, odd: OddProvider) -> None:
    done = watch(odd_command, odd, action("ACTIVE"), CannedResponse(404, {"description": "No such action"}))
    assert (done.exit_code, done.out) == (4, "")


@pytest.mark.parametrize("typed", ["status a --watch", "run -b {} --watch", "resume a", "resume a --watch"])
def test_without_a_terminal_watching_ends_at_an_action_that_waits(
    odd_command: Command, odd: OddProvider, typed: str
) -> None:
    waiting = action("INACTIVE", details={"code": "Approval", "description": "Say yes."})
    odd.answer("GET /a/status", waiting)
    odd.answer("POST /run", waiting)
    odd.answer("POST /a/resume", waiting)
    done = odd_command(*typed.split())
    assert (done.exit_code, done.json["status"]) == (7, "INACTIVE")
    assert "The action is waiting: Say yes (Approval).\n  Resume it:  " in done.err
    assert done.err.endswith(" resume a\n")


def test_showing_an_action_that_waits_is_not_a_failure(odd_command: Command, odd: OddProvider) -> None:
    odd.answer("GET /a/status", action("INACTIVE", display_status="Waiting for an approval"))
    done = odd_command("status", "a")
    assert (done.exit_code, done.json["status"]) == (0, "INACTIVE")
    assert "The action is waiting: Waiting for an approval.\n" in done.err


def test_resuming_continues_to_the_end(odd_command: Command, odd: OddProvider) -> None:
    odd.answer("GET /a/status", action("INACTIVE", details={"code": "Approval"}), action("SUCCEEDED"))
    odd.answer("POST /a/resume", action("ACTIVE"))
    done = odd_command("resume", "a", "--watch")
    assert (done.exit_code, done.json["status"]) == (0, "SUCCEEDED")


def test_a_provider_without_logs_says_so(odd_command: Command, odd: OddProvider) -> None:
    done = odd_command("log", "a")
    assert (done.exit_code, done.out) == (4, "")
    assert done.err.startswith('Error: This provider keeps no logs: its introspection document has no "log_supported":')
    odd.answer("GET /", CannedResponse(body={**DESCRIPTION, "log_supported": True}))
    assert "404 NotFound: No GET /a/log" in odd_command("log", "a").err


def test_an_input_that_is_refused_says_how_to_send_it_anyway(odd_command: Command, odd: OddProvider) -> None:
    odd.answer("GET /", CannedResponse(body={**DESCRIPTION, "input_schema": {"required": ["a"]}}))
    refused = odd_command("run", "-b", "{}")
    assert refused.exit_code == 2
    assert "  - a: is missing\n(--no-check sends it anyway.)\n" in refused.err


def test_an_action_without_an_id_cannot_be_watched(odd_command: Command, odd: OddProvider) -> None:
    odd.answer("POST /run", CannedResponse(202, {"status": "ACTIVE"}))
    done = odd_command("run", "-b", BODY, "--watch")
    assert (done.exit_code, done.out) == (6, "")
    assert "has no action_id" in done.err


def test_an_action_that_is_complete_at_once_is_not_polled(odd_command: Command, odd: OddProvider) -> None:
    odd.answer("POST /run", action("FAILED"))
    assert odd_command("run", "-b", BODY, "--watch").exit_code == 1
    assert odd.requests == ["GET /", "POST /run"]


@pytest.mark.parametrize(
    "schema",
    [None, "not JSON", 7, [], {"type": 7}, {"pattern": "("}, {"$ref": "#/nowhere"}, {"$ref": "http://127.0.0.1:1/schema"},
     {"properties": 7}, {"properties": {"a": 7}}, {"$ref": "#"}, True],
    ids=str,
)  # fmt: skip
def test_an_unusable_schema_does_not_prevent_a_run(odd_command: Command, odd: OddProvider, schema: Any) -> None:
    odd.answer("GET /", CannedResponse(200, {**DESCRIPTION, "input_schema": schema}))
    odd.answer("POST /run", action("ACTIVE"))
    assert odd_command("run", "-b", '{"a": "b"}').exit_code == 0
    assert odd_command("introspect").exit_code == 0
    assert odd_command("run", "--interactive").exit_code in (2, 6)


def all_of_all_of(levels: int) -> dict[str, Any]:
    definitions = {f"l{level}": {"allOf": [{"$ref": f"#/definitions/l{level + 1}"}] * 2} for level in range(levels)} | {
        f"l{levels}": {"type": "object"}
    }
    return {"definitions": definitions, "allOf": [{"$ref": "#/definitions/l0"}]}


@pytest.mark.parametrize(
    "schema",
    [
        {**all_of_all_of(40), "properties": {"a": {"const": 1}}, "required": ["a"]},
        {"properties": {"a": {"pattern": "^(x+x+)+$", "examples": ["x" * 40 + "y"]}}, "required": ["a"]},
    ],
    ids=["exponential allOf", "catastrophic pattern"],
)
def test_a_schema_that_takes_forever_does_not_prevent_a_run(
    odd_command: Command, odd: OddProvider, monkeypatch: pytest.MonkeyPatch, schema: Any
) -> None:
    monkeypatch.setattr("client.schema_check.LIMIT_SECONDS", 0.5)
    odd.answer("GET /", CannedResponse(200, {**DESCRIPTION, "input_schema": schema}))
    odd.answer("POST /run", action("ACTIVE"))
    body = json.dumps({"a": "x" * 40 + "y"})
    done = odd_command("run", "-b", body)
    assert done.exit_code == 0
    assert done.err == "Sending the input unchecked: checking the provider's input_schema took more than 0.5 seconds.\n"
    assert "--interactive --watch" in provider_page({**DESCRIPTION, "input_schema": schema}, run_command="run")


def test_a_schema_that_is_too_large_does_not_prevent_a_run(odd_command: Command, odd: OddProvider) -> None:
    odd.answer("GET /", CannedResponse(200, {**DESCRIPTION, "input_schema": {"description": "x" * 1_000_000}}))
    odd.answer("POST /run", action("ACTIVE"))
    done = odd_command("run", "-b", "{}")
    assert done.exit_code == 0
    assert "the provider's input_schema has more than 1,000,000 characters" in done.err


def test_nothing_is_fetched_for_a_schema(odd_command: Command, odd: OddProvider) -> None:
    odd.answer("GET /", CannedResponse(200, {**DESCRIPTION, "input_schema": {"$ref": f"{odd.url}/schema"}}))
    odd.answer("POST /run", action("ACTIVE"))
    assert odd_command("run", "-b", "{}").exit_code == 0
    assert odd.requests == ["GET /", "POST /run"]


def test_a_schema_may_be_a_string(odd_command: Command, odd: OddProvider) -> None:
    odd.answer("GET /", CannedResponse(200, {**DESCRIPTION, "input_schema": json.dumps({"required": ["echo"]})}))
    done = odd_command("run", "-b", "{}")
    assert done.exit_code == 2
    assert "- echo: is missing" in done.err


def test_a_provider_that_cannot_be_introspected_can_be_run(odd_command: Command, odd: OddProvider) -> None:
    odd.answer("GET /", CannedResponse(403, {"description": "Not you."}))
    odd.answer("POST /run", action("ACTIVE"))
    assert odd_command("run", "-b", BODY).exit_code == 0


def test_ids_are_quoted_in_urls(odd_command: Command, odd: OddProvider) -> None:
    odd_command("status", "../a b?c=%41")
    assert odd.requests == ["GET /..%2Fa%20b%3Fc%3D%2541/status"]


def test_the_next_page_is_requested_from_the_same_provider(odd_command: Command, odd: OddProvider) -> None:
    elsewhere = "http://example.invalid/actions?marker=m&limit=1"
    first = CannedResponse(200, [{"action_id": "a"}], {"Link": f'<{elsewhere}>; rel="next"'})
    odd.answer("GET /actions", first, CannedResponse(200, [{"action_id": "b"}], {"Link": f'<{elsewhere}>; rel="next"'}))
    done = odd_command("list", "--all")
    assert [each["action_id"] for each in done.json] == ["a", "b"]
    assert odd.requests[-1] == "GET /actions?marker=m&limit=1"


def test_release_all_skips_actions_that_are_not_complete(odd_command: Command, odd: OddProvider) -> None:
    odd.answer(
        "GET /actions",
        CannedResponse(200, [{"action_id": "a", "status": "FAILED"}, {"action_id": "b", "status": "ACTIVE"}, {}]),
    )
    odd.answer("POST /a/release", action("FAILED"))
    done = odd_command("release", "--all")
    assert (done.exit_code, done.err) == (0, "1 released.\n")
    assert [request for request in odd.requests if "POST" in request] == ["POST /a/release"]


@pytest.mark.parametrize("body", ["", {"actions": 1}, [1]], ids=str)
def test_a_response_that_is_not_a_list_is_exit_code_6(odd_command: Command, odd: OddProvider, body: Any) -> None:
    odd.answer("GET /actions", CannedResponse(200, body))
    done = odd_command("list")
    assert (done.exit_code, done.out) == (6, "")


def test_a_redirect_elsewhere_does_not_get_the_token(odd_command: Command, odd: OddProvider) -> None:
    odd.answer(
        "GET /a/status", CannedResponse(302, "", {"Location": odd.url.replace("127.0.0.1", "localhost") + "/b/status"})
    )
    odd.answer("GET /b/status", action("ACTIVE"))
    odd_command("status", "a")
    assert odd.tokens[0] == "Bearer a-token-of-mine"
    assert odd.tokens[-1] is None


def test_control_characters_of_a_provider_are_not_written(odd_command: Command, odd: OddProvider) -> None:
    for label in ("\x1b]0;title\x07 \x9b31m ü", "\x9b31m \ud800"):
        odd.answer("GET /a/status", action("ACTIVE", label=label))
        done = odd_command("status", "a")
        assert not {"\x1b", "\x9b", "\x07"} & set(done.out)
        assert done.json["label"] == label
        assert not {"\x1b", "\x9b"} & set(odd_command("status", "a", "--format", "yaml").out)


HIDDEN = "\u202e\u2066\u200f\u061c"


def test_a_providers_text_cannot_add_lines_or_reorder_text(odd_command: Command, odd: OddProvider) -> None:
    details = {"code": f"{HIDDEN}C", "description": f"a\n{HIDDEN}b"}
    odd.answer("GET /a/status", action("INACTIVE", label=HIDDEN, details=details), action("FAILED", label=HIDDEN))
    done = odd_command("status", "a", "--watch")
    assert not set(HIDDEN) & set(done.err + done.out)
    assert done.json["label"] == HIDDEN
    assert "a b (C)" in done.err
    as_yaml = odd_command("status", "a", "--format", "yaml")
    assert not set(HIDDEN) & set(as_yaml.out)
    assert as_yaml.yaml["label"] == HIDDEN


def test_pages_show_one_line_for_each_text_of_a_provider() -> None:
    spoof = f"one\nContact: {HIDDEN}two"
    document = {"title": spoof, "admin_contact": spoof, "runnable_by": [spoof], "globus_auth_scope": spoof}
    lines = provider_page(document, run_command="run").splitlines()
    assert sum(line.startswith("Contact:") for line in lines) == 1
    assert lines[0] == "one Contact: two"
    assert not set(HIDDEN) & set("".join(lines))
    table = actions_table([{"action_id": "a\nb", "status": spoof}])
    assert table.splitlines()[1].startswith("a b")
    assert not set(HIDDEN) & set(table)


def test_an_action_id_that_utf_8_cannot_express_is_quoted(odd_command: Command, odd: OddProvider) -> None:
    odd.answer("GET /actions", CannedResponse(200, [{"action_id": "\ud800", "status": "FAILED"}]))
    odd.answer("POST /%ED%A0%80/release", action("FAILED"))
    done = odd_command("release", "--all")
    assert (done.exit_code, done.err) == (0, "1 released.\n")


def test_a_redirect_to_what_is_no_url_is_a_bad_response(odd_command: Command, odd: OddProvider) -> None:
    odd.answer("GET /a/status", CannedResponse(302, "", {"Location": "//["}))
    done = odd_command("status", "a")
    assert (done.exit_code, done.err) == (6, "Error: The provider redirects to something that is not a URL.\n")


def test_tables_of_nothing_are_empty() -> None:
    assert actions_table([{}]) == log_table([{}]) == ""


@pytest.mark.parametrize("enum", [None, True, 7, "abc"])
def test_a_field_whose_enum_is_no_list_takes_what_is_typed(monkeypatch: pytest.MonkeyPatch, enum: Any) -> None:
    monkeypatch.setattr(Console, "ask", lambda *_: "b")
    assert ask_for_body({"properties": {"a": {"enum": enum}}}, Console()) == {"a": "b"}


def test_suggested_options_are_quoted_for_the_shell(odd_command: Command, odd: OddProvider) -> None:
    odd.answer("GET /a/log", CannedResponse(200, {"entries": [], "has_next_page": True, "marker": "$(touch x); ls"}))
    assert odd_command("log", "a").err == "There are more entries: add --marker '$(touch x); ls'\n"


def test_a_refusal_may_name_the_scope(odd: OddProvider, command: Command) -> None:
    odd.answer("GET /", CannedResponse(401, "", {"WWW-Authenticate": f'Bearer realm="x", scope="{SCOPE}"'}))
    done = command("introspect", "--client-id", SCOPE.split("/")[4], url=odd.url)
    assert done.exit_code == 3
    assert "You are not logged in for this provider" in done.err
    odd.answer("GET /", CannedResponse(401, ""))
    done = command("introspect", "--client-id", SCOPE.split("/")[4], url=odd.url)
    assert done.exit_code == 3
    assert "give --action-scope" in done.err
