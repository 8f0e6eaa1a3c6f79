"""The commands, against our provider and the toolkit's own blueprint, over real HTTP."""

from __future__ import annotations

import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3 import Retry

from client import __version__
from tests.client.conftest import BODY, Command, hear_ctrl_c
from tests.processes import PROVIDER_PYTHON, ROOT, RunningProvider, clean_environment, free_port

BOB = "5b1c0de0-0000-4000-8000-000000000b0b"
GROUP = "urn:globus:groups:id:5b1c0de0-0000-4000-8000-0000000009a0"


def test_introspect_shows_the_document(alice: Command) -> None:
    done = alice("introspect")
    assert done.exit_code == 0
    assert done.json["title"] == "What Time Is It Right Now?"
    assert done.err == ""
    assert done.out.startswith('{\n  "api_version": "1.0",\n')
    assert alice("introspect", "--format", "yaml").yaml == done.json


def test_the_life_of_an_action(alice: Command) -> None:
    started = alice("run", "--body", BODY, "--label", "by hand", "--release-after", "P7D")
    assert (started.exit_code, started.err) == (0, "")
    assert started.json.keys() >= {"action_id", "status", "creator_id", "start_time", "details"}
    action_id = started.json["action_id"]
    assert (started.json["label"], started.json["release_after"]) == ("by hand", "P7D")
    assert alice("status", action_id).json == started.json
    conflict = alice("release", action_id)
    assert (conflict.exit_code, conflict.out) == (5, "")
    assert "409 InvalidState: The action is still active" in conflict.err
    cancelled = alice("cancel", action_id)
    assert (cancelled.exit_code, cancelled.json["details"]["error"]) == (0, "CANCELLED")
    assert [entry["code"] for entry in alice("log", action_id).json["entries"]] == ["STARTED", "CANCELLED"]
    first = alice("log", action_id, "--limit", "1", "--reverse")
    assert [entry["code"] for entry in first.json["entries"]] == ["CANCELLED"]
    assert "There are more entries: add --marker 1" in first.err
    assert alice("status", action_id).exit_code == 1
    assert alice("resume", action_id).exit_code == 5
    assert alice("release", action_id).json == cancelled.json
    gone = alice("status", action_id)
    assert (gone.exit_code, gone.out) == (4, "")
    assert gone.err == f"Error: 404 NotFound: There is no action {action_id}.\n"


def test_what_run_shows_is_valid_by_the_toolkit(alice: Command) -> None:
    pytest.importorskip("globus_action_provider_tools", reason="it cannot be installed beside globus-sdk 4")
    from tests.api import check_status_document

    check_status_document(alice("run", "--body", BODY, "--label", "by hand").json)


def test_run_and_watch_until_the_end(command: Command, quick_provider: RunningProvider) -> None:
    done = command("run", "-b", BODY, "--watch", url=f"{quick_provider.url}/", token="local-token-alice")
    assert done.exit_code == 0
    assert done.json["details"].keys() == {"whattimeisit"}
    assert done.err == "ACTIVE …\nSUCCEEDED after 0:00.\n"
    again = command("status", "-w", done.json["action_id"], url=quick_provider.url, token="local-token-alice")
    assert (again.exit_code, again.json) == (0, done.json)


def test_an_action_that_fails_is_exit_code_1(command: Command, failing_provider: RunningProvider) -> None:
    done = command("run", "-b", BODY, "--watch", url=failing_provider.url, token="local-token-alice")
    assert (done.exit_code, done.json["status"]) == (1, "FAILED")
    assert done.err.endswith("FAILED after 0:00.\n")


@pytest.mark.parametrize(
    "typed",
    [
        ("action", "run"),
        ("action-run",),
        ("action-provider-run",),
        ("run",),
    ],
    ids=" ".join,
)
def test_the_old_names_of_a_command(command: Command, slow_provider: RunningProvider, typed: tuple[str, ...]) -> None:
    options = ["--action-url", slow_provider.url, "--action-scope", slow_provider.scope, "--token", "local-token-bob"]
    done = command(*typed, *options, "--body", BODY, "--request-id", f"as {typed}", "--verbose")
    assert done.json["status"] == "ACTIVE"
    assert f"POST {slow_provider.url}/run → 202 Accepted in " in done.err
    assert "local-token-bob" not in done.err


def test_the_same_request_id_is_the_same_action(alice: Command) -> None:
    first, second = (alice("run", "-b", BODY, "--request-id", "once").json for _ in range(2))
    assert first["action_id"] == second["action_id"]
    assert alice("run", "-b", '{"utc_offset": 2}', "--request-id", "once").exit_code == 5


def test_principals_are_urns_or_bare_uuids(alice: Command) -> None:
    done = alice("run", "-b", BODY, "--monitor-by", BOB, "--monitor-by", GROUP, "--monitor-by", BOB)
    assert sorted(done.json["monitor_by"]) == sorted([f"urn:globus:auth:identity:{BOB}", GROUP])
    wrong = alice("run", "-b", BODY, "--manage-by", "bob@local.example")
    assert wrong.exit_code == 2
    assert "'bob@local.example' is not a principal. Give urn:globus:auth:identity:UUID" in wrong.err


def test_a_monitor_may_not_cancel(alice: Command, command: Command, slow_provider: RunningProvider) -> None:
    action_id = alice("run", "-b", BODY, "--monitor-by", BOB).json["action_id"]
    bob = command("cancel", action_id, url=slow_provider.url, token="local-token-bob")
    assert (bob.exit_code, bob.out) == (3, "")
    assert "403 NotAuthorized: You may not manage this action." in bob.err


@pytest.mark.parametrize("token", ["local-token-expired", "local-token-other-scope", "nobody's"])
def test_an_invalid_token_is_exit_code_3(command: Command, slow_provider: RunningProvider, token: str) -> None:
    done = command("status", str(uuid.uuid4()), url=slow_provider.url, token=token)
    assert (done.exit_code, done.out) == (3, "")
    assert "401 NoAuthentication" in done.err
    assert token not in done.err


def test_an_invalid_body_is_refused_before_it_is_sent(alice: Command) -> None:
    done = alice("run", "-v", "-b", '{"utc_offset": 1.1}')
    assert (done.exit_code, done.out) == (2, "")
    assert "- utc_offset: 1.1 is not a multiple of 0.25" in done.err
    assert "POST" not in done.err
    unchecked = alice("run", "-v", "--no-check", "-b", '{"utc_offset": 1.1}')
    assert (unchecked.exit_code, unchecked.out) == (2, "")
    assert "400 InvalidRequest: body.utc_offset: 1.1 is not a multiple of 0.25" in unchecked.err


def test_the_body_comes_from_a_file_or_from_stdin(alice: Command, tmp_path: Path) -> None:
    file = tmp_path / "body.yaml"
    file.write_text("utc_offset: 1  # hours\n")
    for given, stdin in ((str(file), ""), (f"@{file}", ""), ("-", BODY), ("utc_offset: 1", "")):
        assert alice("run", "-b", given, stdin=stdin).exit_code == 0


def test_interactive_asks_for_each_field(alice: Command) -> None:
    done = alice("run", "--interactive", stdin="1.1\nabout one\n5.75\n")
    assert (done.exit_code, done.json["status"]) == (0, "ACTIVE")
    assert "utc_offset: Hours east of UTC" in done.err
    assert "1.1 is not a multiple of 0.25" in done.err
    assert "'about one' is not of type 'number'" in done.err


def test_list_and_release_all_complete_actions(command: Command, slow_provider: RunningProvider) -> None:
    options = {"url": slow_provider.url, "token": "local-token-carol"}  # no other test starts actions as Carol
    ids = [command("run", "-b", BODY, **options).json["action_id"] for _ in range(3)]
    assert [action["action_id"] for action in command("list", **options).json] == ids[::-1]
    newest = command("list", "--limit", "2", **options)
    assert [action["action_id"] for action in newest.json] == ids[:0:-1]
    assert "These are the 2 newest actions" in newest.err
    for action_id in ids[:2]:
        command("cancel", action_id, **options)
    assert [action["action_id"] for action in command("list", "--status", "active", **options).json] == ids[2:]
    released = command("release", "--all", **options)
    assert (released.exit_code, released.err) == (0, "2 released.\n")
    assert {action["action_id"] for action in released.json} == set(ids[:2])
    assert [action["action_id"] for action in command("list", **options).json] == ids[2:]
    both = command("release", ids[0], ids[2], **options)
    assert (both.exit_code, both.json) == (4, [])
    assert f"Error: {ids[2]}: 409 InvalidState" in both.err
    command("cancel", ids[2], **options)
    command("release", ids[2], **options)
    assert command("list", **options).json == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("fly",), "No such command 'fly'."),
        (("run",), "Give the input: by --body, or by --interactive"),
        (("run", "-b", "[1]"), "--body: the body is not a JSON object"),
        (("run", "-b", "@/no/such/file"), "--body: the file /no/such/file cannot be read: No such file or directory"),
        (("run", "-b", BODY, "--wach"), "No such option"),
        (("run", "-b", "-"), "--body: stdin is empty."),
        (("run", BODY), f"({BODY}). (Give the input with --body.)"),
        (("status",), "Missing argument 'ACTION_ID'"),
        (("completion",), "Choose from: bash, zsh, fish\n"),
        (("list", "--limit", "x"), "'x' is not a whole number of at least 1.\n"),
        (("list", "--limit", "0"), "'0' is not a whole number of at least 1.\n"),
        (
            ("--action-url", "http://127.0.0.1", "list"),
            "(Options follow the command: globus-action list --action-url …)",
        ),
        (("release",), "Which actions?"),
        (("status", "x", "--action-url", "localhost:5000"), "'localhost:5000' is not the URL of a provider"),
        (("status", "x", "--token", "two words"), "this is not a token"),
        (("list", "--format", "xml"), "'xml'"),
        (("whoami", "--client-id", "me"), "'me' is not a valid UUID"),
    ],
)
def test_wrong_usage_is_exit_code_2_and_one_error(alice: Command, arguments: tuple[str, ...], said: str) -> None:
    done = alice(*arguments)
    assert (done.exit_code, done.out) == (2, "")
    assert said in done.err
    assert done.err.startswith("Error: ")


@pytest.mark.parametrize(
    "typed",
    [("run", "-b", BODY, "--request-id", ""), ("cancel", ""), ("status", "-w", " "), ("release", "a", "")],
    ids=str,
)
def test_an_empty_id_is_refused(alice: Command, typed: tuple[str, ...]) -> None:
    done = alice(*typed)
    assert (done.exit_code, done.out) == (2, "")
    assert re.fullmatch(r"Error: (ACTION_ID|--request-id) is empty: is a variable not set\?\n", done.err)


def test_without_a_url_it_asks_for_one(command: Command) -> None:
    done = command("introspect")
    assert done.exit_code == 2
    assert "Give --action-url, or set ACTION_URL." in done.err


def test_every_command_has_help(command: Command) -> None:
    overview = command("--help").out
    lines = [line for line in overview.partition("Commands:")[2].splitlines() if line.startswith("  ")]
    names = [line.split()[0] for line in lines]
    assert {"introspect", "run", "status", "cancel", "release", "log", "list", "resume", "login"} < set(names)
    lines += command("flow", "--help").out.partition("Commands:")[2].splitlines()
    assert not [line for line in lines if line.endswith("...")]
    for name in names[:12]:
        assert command(name, "--help").out.startswith("Usage: ")
    assert command("action", "--help").out == overview
    for nothing in ((), ("action",)):
        assert (command(*nothing).exit_code, command(*nothing).out, command(*nothing).err) == (2, "", overview)
    assert command("--version").out.split()[-1] == __version__


def test_completion_of_a_shell(command: Command) -> None:
    assert "_GLOBUS_ACTION_COMPLETE=bash_complete" in command("completion", "bash").out
    environment = clean_environment(
        _GLOBUS_ACTION_COMPLETE="bash_complete", COMP_WORDS="globus-action re", COMP_CWORD="1"
    )
    program = "from client.group import cli; import client.cli; cli(prog_name='globus-action')"
    typed = [sys.executable, "-c", program]
    done = subprocess.run(typed, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "plain,release\nplain,resume\n"


@pytest.mark.parametrize("module", ["globus_sdk", "click", "yaml"])
def test_ctrl_c_during_startup_is_quiet(tmp_path: Path, module: str) -> None:
    (tmp_path / f"{module}.py").write_text(
        "import os, signal, time; os.kill(os.getpid(), signal.SIGINT); time.sleep(9)"
    )
    environment = clean_environment(PYTHONPATH=str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-m", "client", "introspect"], cwd=ROOT, env=environment, capture_output=True, text=True,
        check=False, preexec_fn=hear_ctrl_c,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_a_closed_pipe_is_not_an_error(slow_provider: RunningProvider) -> None:
    line = f"{sys.executable} -m client introspect | true; echo ${{PIPESTATUS[0]}}"
    environment = clean_environment(ACTION_URL=slow_provider.url, ACTION_TOKEN="local-token-bob")
    done = subprocess.run(["bash", "-c", line], cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("0\n", "")


def test_it_runs_under_its_installed_name_without_the_provider(tmp_path: Path) -> None:
    (tmp_path / "globus_action").symlink_to(ROOT / "client")
    program = (
        "import sys, globus_action.cli; "
        "assert not {'app', 'local_globus', 'flask', 'client'} & set(sys.modules); "
        "print(globus_action.ActionClient)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "globus_action.action_client.ActionClient" in done.stdout


@pytest.fixture(scope="module")
def blueprint(slow_provider: RunningProvider) -> Iterator[str]:
    """The toolkit's blueprint, which uses our provider's stand-in for Globus Auth."""
    port = free_port()
    settings = {
        "WHATTIME_CLIENT_ID": "5b1c0de0-0000-4000-8000-00000000c1d0",
        "WHATTIME_CLIENT_SECRET": "local-client-secret",
        "WHATTIME_SCOPE": slow_provider.scope,
    }
    server = subprocess.Popen(
        [PROVIDER_PYTHON, "-m", "benchmarks.serve", "benchmarks.blueprint_provider:create_app", str(port), "2"],
        cwd=ROOT,
        env=clean_environment(**settings, **slow_provider.environment),
    )
    url = f"http://127.0.0.1:{port}"

    patient = requests.Session()
    patient.mount("http://", HTTPAdapter(max_retries=Retry(connect=10, backoff_factor=0.1)))
    try:
        assert patient.get(url, timeout=60).status_code < 500
        yield url
    finally:
        server.terminate()
        server.wait(timeout=60)


def test_a_provider_on_the_toolkits_blueprint(command: Command, blueprint: str) -> None:
    options = {"url": blueprint, "token": "local-token-alice"}
    assert command("introspect", **options).json["title"] == "Peer"
    wrong = command("run", "-b", '{"utc_offset": "1"}', **options)
    assert (wrong.exit_code, wrong.out) == (2, "")
    assert "utc_offset: '1' is not of type 'number'" in wrong.err
    refused = command("run", "--no-check", "-b", '{"utc_offset": "1"}', **options)
    assert (refused.exit_code, refused.out) == (2, "")
    started = command("run", "-b", BODY, **options)
    assert started.json["status"] == "ACTIVE"
    assert command("status", started.json["action_id"], **options).json["status"] == "ACTIVE"
    missing = command("status", "nothing", **options)
    assert (missing.exit_code, missing.out) == (4, "")
    bob = command("cancel", started.json["action_id"], url=blueprint, token="local-token-bob")
    assert (bob.exit_code, bob.out) == (3, "")
    unlisted = command("list", **options)
    assert (unlisted.exit_code, unlisted.out) == (4, "")
    assert unlisted.err == "Error: This provider does not list actions: it has no GET /actions.\n"
