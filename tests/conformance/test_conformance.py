"""The suite as users run it: on our provider, on the toolkit's blueprint, and on servers that are not providers."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from werkzeug.wrappers import Response

from conformance.__main__ import main
from conformance.report import rule_list
from conformance.rule import RULES
from tests.conformance.example_provider import ANNE, BERT, ExampleProvider, serving
from tests.processes import ROOT, RunningProvider, clean_environment, free_port, running_provider

ALICE, BOB = "local-token-alice", "local-token-bob"


@pytest.fixture
def body(tmp_path: Path) -> Path:
    file = tmp_path / "body.json"
    file.write_text('{"utc_offset": 1, "text": "hello"}')
    return file


@pytest.fixture(scope="module")
def our_provider() -> Iterator[RunningProvider]:
    with running_provider(MIN_SECONDS="1", MAX_SECONDS="1", FAILURE_RATE="0") as running:
        yield running


def conformance(url: str, body: Path, *options: str, token: str = ALICE) -> Result:
    """Run the command as `script/conformance` does; raise any exception that it does not catch."""
    command = ["--action-url", url, "--token", token, "--body", str(body), "--rounds", "10", *options]
    done = CliRunner().invoke(main, command)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def rules(done: Result, outcome: str) -> set[str]:
    return {rule["rule"] for rule in json.loads(done.stdout)["rules"] if rule["outcome"] == outcome}


def says(done: Result) -> str:
    findings = [finding for rule in json.loads(done.stdout)["rules"] for finding in rule["findings"]]
    return "\n".join(finding["says"] for finding in findings)


def test_our_provider_conforms_to_the_interface(our_provider: RunningProvider, tmp_path: Path) -> None:
    body = tmp_path / "body.json"
    body.write_text('{"utc_offset": 1}')
    done = conformance(our_provider.url, body, "--other-token", BOB, "--format", "json")
    assert done.exit_code == 0, done.stdout
    assert rules(done, "WRONG") == set()
    assert rules(done, "skipped") == {
        "a_synchronous_provider_answers_with_the_end",
        "an_inactive_action_says_why",
        "an_inactive_action_can_be_resumed",
        "managers_can_resume_an_action",
    }
    assert says(done) == ""
    assert json.loads(done.stdout)["not_released"] == []
    assert "stumbled" not in done.stdout


def test_the_deviations_of_the_toolkits_blueprint_are_found(tmp_path: Path) -> None:
    body = tmp_path / "body.json"
    body.write_text('{"utc_offset": 1}')
    command = [sys.executable, "-m", "tests.conformance.blueprint_provider"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as provider:
        assert provider.stdout is not None
        url = provider.stdout.readline().strip()
        done = conformance(url, body, "--other-token", BOB, "--timeout", "0.2", "--format", "json")
        provider.communicate("\n")
    assert done.exit_code == 1
    assert rules(done, "WRONG") == {
        "a_synchronous_provider_answers_with_the_end",
        "fields_of_a_wrong_form_are_refused",
        "a_repeated_request_starts_no_second_action",
        "a_request_repeated_after_the_end_starts_no_second_action",
        "simultaneous_requests_start_one_action",
        "a_request_id_with_another_content_is_refused",
        "others_cannot_see_an_action",
        "others_cannot_cancel_an_action",
        "others_cannot_release_an_action",
        "monitors_cannot_cancel_or_release_an_action",
        "every_status_has_the_form_of_the_interface",
        "nothing_makes_the_provider_fail",
    }
    for words in (
        "a repeated request_id starts a second action",
        "gets 401, which is for invalid tokens, instead of 403",
        "is answered with 422 instead of 400",
        "display_status: ",
        "calls itself synchronous, but answers ACTIVE",
    ):
        assert words in says(done)
    assert "a_released_action_is_not_found" in rules(done, "ok")
    assert "the_newer_paths_lead_to_the_same_actions" in rules(done, "ok")


def test_the_report_shows_requests_responses_and_what_the_interface_says(tmp_path: Path) -> None:
    body = tmp_path / "body.json"
    body.write_text('{"text": "hello"}')
    with serving(ExampleProvider(defects=["memory of requests"])) as url:
        done = conformance(f"{url}/", body, "--other-token", BERT, token=ANNE)
    assert done.exit_code == 1
    (part,) = re.findall(r"  WRONG +A repeated request starts no second action\n((?: {9,}.*\n)+)", done.stdout)
    assert "WRONG: a repeated request_id starts a second action" in part
    assert 'POST /run with the token → 202, application/json: {"action_id": ' in part
    assert "The interface: The same request_id with the same content, sent again, is answered with 200" in part
    assert "See: Globus Actions API, schema ActionRequest, request_id" in part
    assert "  ok       A valid request starts an action\n" in done.stdout
    assert "The provider deviates from the interface." in done.stdout
    assert ANNE not in done.stdout + done.stderr


def answering(content: bytes, code: int, content_type: str) -> Any:
    """Return an application that always sends this response."""
    return Response(content, code, content_type=content_type)


@pytest.mark.parametrize(
    ("content", "code", "content_type"),
    [
        (b"<html>Hello</html>", 200, "text/html"),
        (b"<html>Error</html>", 500, "text/html"),
        (b"<html>Not here</html>", 404, "text/html"),
        (b'{"message": "Missing Authentication Token"}', 403, "application/json"),
        (b'{"action_id": ', 200, "application/json"),
        (b"[" * 100_000, 200, "application/json"),
        (b"\xff\xfe\x00", 200, "application/json"),
        (b"null", 200, "application/json"),
        (b"", 204, "application/json"),
        (b"", 302, "text/html"),
    ],
)
def test_a_url_without_a_provider_cannot_be_tested(content: bytes, code: int, content_type: str, body: Path) -> None:
    with serving(answering(content, code, content_type)) as url:
        done = conformance(url, body, "--other-token", BOB, "--timeout", "0.2")
    assert done.exit_code == 2
    assert "here is no Action Provider at this URL" in done.stderr
    assert done.stdout == ""


def test_a_wrong_path_of_a_provider_cannot_be_tested(our_provider: RunningProvider, body: Path) -> None:
    done = conformance(f"{our_provider.url}/wrong/path", body)
    assert done.exit_code == 2
    assert "there is no Action Provider at this URL" in done.stderr
    assert "POST /run with the token → 404" in done.stderr


@pytest.mark.parametrize(
    "content",
    [
        b'{"action_id": 5, "status": [], "details": null, "creator_id": {}}',
        b'{"action_id": "a/b?c", "status": "SUCCEEDED", "details": {}, "creator_id": "x"}',
    ],
)
def test_a_provider_that_gets_everything_wrong_is_tested_to_the_end(content: bytes, body: Path) -> None:
    with serving(answering(content, 202, "application/json")) as url:
        done = conformance(url, body, "--other-token", BOB, "--timeout", "0.2", "--format", "json")
    assert done.exit_code == 1, done.stderr
    assert len(rules(done, "WRONG")) > 1
    assert "stumbled" not in done.stdout


@pytest.mark.parametrize("is_dripping", [False, True], ids=["silent", "dripping"])
def test_a_provider_that_never_answers_cannot_be_tested(is_dripping: bool, body: Path) -> None:
    given_up = threading.Event()

    def drip() -> Iterator[bytes]:
        while not given_up.wait(0.05):
            yield b" "

    def application(environ: Any, start_response: Any) -> Any:
        if not is_dripping:
            given_up.wait(10)
        return Response(drip(), content_type="application/json")(environ, start_response)

    with serving(application) as url:
        done = conformance(url, body, "--request-timeout", "0.3")
        given_up.set()
    assert done.exit_code == 2
    assert "no response within 0.3 s" in done.stderr


def test_a_run_that_hangs_is_wrong_once_and_not_tried_again(body: Path) -> None:
    given_up = threading.Event()

    def slow_run(call: Any, code: int, document: Any) -> Any:
        if call.operation == "run":
            given_up.wait(10)
        return code, document

    body.write_text('{"text": "hello"}')
    with serving(ExampleProvider(tamper=slow_run)) as url:
        done = conformance(url, body, "--request-timeout", "0.3", "--format", "json", token=ANNE)
        given_up.set()
    assert done.exit_code == 1
    assert "a_valid_request_starts_an_action" in rules(done, "WRONG")
    assert "POST /run with the token: no response within 0.3 s" in says(done) + done.stdout


class DiesAfter:
    """A provider whose connections break after some requests."""

    def __init__(self, lives: int) -> None:
        self.provider = ExampleProvider()
        self.lives = lives

    def __call__(self, environ: Any, start_response: Any) -> Any:
        self.lives -= 1
        if self.lives < 0:
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            raise ConnectionError
        return self.provider(environ, start_response)


def test_a_provider_that_dies_has_stopped_answering(tmp_path: Path) -> None:
    body = tmp_path / "body.json"
    body.write_text('{"text": "hello"}')
    with serving(DiesAfter(40)) as url:
        done = conformance(url, body, "--other-token", BERT, "--format", "json", token=ANNE)
    assert done.exit_code == 2
    assert "Error: the provider stopped answering at rule " in done.stderr
    assert rules(done, "WRONG") == set()
    assert json.loads(done.stdout)["conforms"] is None
    assert "the provider stopped answering" in json.loads(done.stdout)["stopped"]


def test_a_rejected_other_token_is_reported_next_to_deviations(tmp_path: Path) -> None:
    body = tmp_path / "body.json"
    body.write_text('{"text": "hello"}')
    with serving(ExampleProvider(defects=["memory of requests"])) as url:
        done = conformance(url, body, "--other-token", "who-is-this", token=ANNE)
    assert done.exit_code == 1
    assert "the provider does not accept the other token" in done.stderr
    assert "What other users can do was not checked: the provider does not accept the other token" in done.stdout


def test_a_server_that_does_not_run_is_reported(body: Path) -> None:
    done = conformance(f"http://127.0.0.1:{free_port()}", body)
    assert done.exit_code == 2
    assert "Error: the provider does not answer." in done.stderr
    assert "the connection was refused" in done.stderr


def test_a_token_that_is_not_accepted_is_reported_but_not_shown(our_provider: RunningProvider, body: Path) -> None:
    done = conformance(our_provider.url, body, token="local-token-expired")
    assert done.exit_code == 2
    assert "Error: the provider does not accept the token" in done.stderr
    assert "local-token-expired" not in done.stdout + done.stderr


def test_a_rejected_other_token_is_reported(tmp_path: Path) -> None:
    body = tmp_path / "body.json"
    body.write_text('{"text": "hello"}')
    with serving(ExampleProvider()) as url:
        done = conformance(url, body, "--other-token", "who-is-this", token=ANNE)
    assert done.exit_code == 2
    assert "Error: the provider does not accept the other token" in done.stderr


def test_a_body_that_is_not_accepted_is_reported(our_provider: RunningProvider, body: Path) -> None:
    done = conformance(our_provider.url, body)
    assert done.exit_code == 2
    assert "Error: the provider does not accept the body" in done.stderr


@pytest.mark.parametrize(
    ("url", "content", "words"),
    [
        ("nonsense", "{}", "is not a URL"),
        ("ftp://127.0.0.1/", "{}", "must be an http or https URL"),
        ("http://127.0.0.1/?a=b", "{}", "must be an http or https URL"),
        ("http://127.0.0.1/", "{", "is not JSON"),
        ("http://127.0.0.1/", "[]", "must contain a JSON object"),
    ],
)
def test_wrong_options_are_reported(url: str, content: str, words: str, body: Path) -> None:
    body.write_text(content)
    done = conformance(url, body)
    assert done.exit_code == 2
    assert words in done.stderr


def test_it_runs_as_a_command() -> None:
    command = [sys.executable, "-m", "conformance", "--list"]
    done = subprocess.run(command, cwd=ROOT, env=clean_environment(), capture_output=True, text=True, check=True)
    assert done.stdout == rule_list(RULES) + "\n"


def test_the_rules_are_the_documented_ones() -> None:
    assert rule_list(RULES) in (ROOT / "docs" / "conformance.md").read_text("utf-8")
