"""`flow check`, `flow run` and `flow graph` as they are typed, against our provider in local mode."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pexpect
import pytest

from client.cli import main
from tests.client.odd_provider import DESCRIPTION, CannedResponse, running_odd_provider
from tests.flows.conftest import Command, WriteFlow
from tests.flows.definitions import URL, Data, action, flow, pass_on
from tests.processes import ROOT, RunningProvider, clean_environment

ALICE = "local-token-alice"
ASK = flow(Ask=action(Parameters={"utc_offset.$": "$.offset"}, Next="Say"), Say=pass_on(InputPath="$.result.details"))


def at(provider: RunningProvider) -> list[str]:
    return ["--provider", f"{URL}={provider.url}", "--token", ALICE]


@pytest.mark.parametrize("library", ["jsonpath", "simpleeval"])
def test_without_its_libraries_flow_says_what_to_install_and_the_rest_works(library: str) -> None:
    program = f"import sys; sys.modules[{library!r}] = None; from client.cli import main; main(sys.argv[1:])"

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        typed = [sys.executable, "-c", program, *arguments]
        return subprocess.run(typed, cwd=ROOT, capture_output=True, text=True, check=False)

    missing = call("flow", "check", "flow.json")
    assert missing.returncode == 2
    assert missing.stderr.startswith("Error: `flow` needs libraries that are not installed: pip install ")
    assert missing.stderr.count("\n") == 1
    assert call("--help").returncode == 0


class TestCheck:
    def test_a_valid_definition_has_no_output(self, command: Command, write_flow: WriteFlow) -> None:
        done = command("check", write_flow(ASK))
        assert (done.exit_code, done.out) == (0, "")
        assert "no errors (2 states)" in done.err

    def test_each_finding_is_a_line_with_its_place(self, command: Command, write_flow: WriteFlow) -> None:
        file = write_flow(flow(A={"Type": "Pass", "Next": "B"}, C=pass_on()))
        done = command("check", file)
        assert done.exit_code == 2
        assert done.out.splitlines() == [
            f'{file}: line 6, state "A", Next: There is no state "B".',
            f'{file}: line 8, state "C": warning: It cannot be reached from the first state.',
        ]

    def test_a_wait_time_of_more_than_a_year_is_an_error(self, command: Command, write_flow: WriteFlow) -> None:
        done = command("check", write_flow(flow(A=action(WaitTime=10**20))))
        assert done.exit_code == 2
        assert "WaitTime: 100000000000000000000 is greater than the maximum of 31536000." in done.out

    def test_a_name_adds_no_line(self, command: Command, write_flow: WriteFlow) -> None:
        done = command("check", write_flow(flow(**{"A\nflow.json: no errors": {"Type": "Pass", "Next": "B"}})))
        assert len(done.out.splitlines()) == 1

    @pytest.mark.parametrize("content", ["{", "[]", "", "{'a'", "\0"])
    def test_what_is_not_a_definition_is_an_error(self, command: Command, tmp_path: Path, content: str) -> None:
        (tmp_path / "flow.json").write_text(content)
        for name in ("check", "graph", "run"):
            done = command(name, tmp_path / "flow.json")
            assert done.exit_code == 2
            assert "flow.json: " in done.out + done.err

    def test_a_file_that_is_missing_is_named(self, command: Command) -> None:
        done = command("check", "nowhere.json")
        assert done.exit_code == 2
        assert "nowhere.json" in done.err

    def test_providers_are_asked_for_their_schemas(
        self, command: Command, write_flow: WriteFlow, provider: RunningProvider
    ) -> None:
        def check(**parameters: Any) -> tuple[int, str]:
            file = write_flow(flow(A=action(Parameters=parameters)))
            done = command("check", file, "--ask-providers", *at(provider))
            return done.exit_code, done.out

        assert check(utc_offset=1) == (0, "")
        assert check(**{"utc_offset.$": "$.a"}) == (0, "")
        assert "Parameters: utc_offset: is missing." in check()[1]
        assert "utc_offset: 30 is greater than or equal to the maximum of 24." in check(utc_offset=30)[1]
        assert "zone: unknown field; the fields are utc_offset." in check(**{"utc_offset.=": "a", "zone": 1})[1]

    @pytest.mark.parametrize(
        ("schema", "reason"),
        [
            ({"properties": {"a": {"pattern": "^(x+x+)+$"}}}, "took more than 0.5 seconds"),
            ({"properties": {"a": {"pattern": "("}}}, "cannot be used (SchemaError)"),
            ({"properties": {"a": {"$ref": "#/nowhere"}}}, "cannot be used (_WrappedReferencingError)"),
        ],
        ids=["catastrophic pattern", "broken pattern", "reference that leads nowhere"],
    )
    def test_a_schema_that_cannot_be_checked_is_a_warning(
        self, command: Command, write_flow: WriteFlow, monkeypatch: pytest.MonkeyPatch, schema: Any, reason: str
    ) -> None:
        if "0.5 seconds" in reason:
            monkeypatch.setattr("client.schema_check.LIMIT_SECONDS", 0.5)
        file = write_flow(flow(A=action(Parameters={"a": "x" * 40 + "y", "b.$": "$.b"})))
        with running_odd_provider() as odd:
            odd.answer("GET /", CannedResponse(200, {**DESCRIPTION, "input_schema": schema}))
            done = command("check", file, "--ask-providers", "--provider", f"*={odd.url}", "--token", ALICE)
        assert done.exit_code == 0
        assert "Parameters: warning: The Parameters could not be checked: " in done.out
        assert reason in done.out

    def test_only_what_does_not_depend_on_computed_values_is_checked(
        self, command: Command, write_flow: WriteFlow
    ) -> None:
        inner = {"properties": {"n": {"type": "number"}, "m": {"maximum": 1}}, "minProperties": 3}
        schema = {"properties": {"list": {"items": inner, "uniqueItems": True, "maxItems": 1}}}
        parameters = {"list": [{"n.=": "a", "m": 2}, {"n": "b", "m.$": "$.c"}]}
        file = write_flow(flow(A=action(Parameters=parameters)))
        with running_odd_provider() as odd:
            odd.answer("GET /", CannedResponse(200, {**DESCRIPTION, "input_schema": schema}))
            done = command("check", file, "--ask-providers", "--provider", f"*={odd.url}", "--token", ALICE)
        assert re.findall("Parameters: (.*)", done.out) == [
            "list.0: {'n': …, 'm': 2} does not have enough properties.",
            "list.0.m: 2 is greater than the maximum of 1.",
            "list.1: {'n': 'b', 'm': …} does not have enough properties.",
            "list.1.n: 'b' is not of type 'number'.",
        ]

    def test_a_provider_that_does_not_answer_is_a_warning(
        self, command: Command, write_flow: WriteFlow, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("time.sleep", lambda _seconds: None)
        options = ("--ask-providers", "--provider", "*=http://127.0.0.1:1", "--token", ALICE)
        done = command("check", write_flow(ASK), *options)
        assert done.exit_code == 0
        assert "warning: The provider could not be asked: No " in done.out
        assert "127.0.0.1:1: the connection was refused" in done.out


class TestRun:
    def test_the_final_state_is_on_stdout_and_a_line_for_each_state_on_stderr(
        self, command: Command, write_flow: WriteFlow, provider: RunningProvider
    ) -> None:
        done = command("run", write_flow(ASK), "--input", '{"offset": 5.75}', *at(provider))
        assert done.exit_code == 0
        assert done.json["whattimeisit"].endswith("+05:45")
        lines = [r" 0:0\d  Ask \(Action\): SUCCEEDED", r" 0:0\d  Say \(Pass\): done", "SUCCEEDED: run [-0-9a-f]{36}"]
        for line in lines:
            assert re.search(line, done.err), line

    def test_a_flow_that_fails_has_its_error_on_stdout(self, command: Command, write_flow: WriteFlow) -> None:
        done = command("run", write_flow(flow(A={"Type": "Fail", "Error": "Mine", "Cause": "Because"})))
        assert done.exit_code == 1
        assert done.json["details"] == {"state_name": "A", "exception": "Mine", "cause": "Because"}
        assert "A (Fail): Mine: Because" in done.err

    def test_what_the_provider_refuses_is_the_cause(
        self, command: Command, write_flow: WriteFlow, provider: RunningProvider
    ) -> None:
        done = command("run", write_flow(ASK), "--input", '{"offset": 99}', *at(provider))
        assert done.exit_code == 1
        assert done.json["details"]["exception"] == "ActionUnableToRun"
        assert "99" in json.dumps(done.json["details"]["cause"])

    def test_an_action_is_released_unless_keep_is_given(
        self, command: Command, write_flow: WriteFlow, provider: RunningProvider
    ) -> None:
        file = write_flow(flow(A=action(Parameters={"utc_offset": 1})))
        for options in ([], ["--keep"]):
            action_id = command("run", file, *options, *at(provider)).json["result"]["action_id"]
            with pytest.raises(SystemExit) as left:
                main(["status", action_id, "--action-url", provider.url, "--token", ALICE])
            assert left.value.code == (0 if options else 4)

    @pytest.mark.parametrize(
        ("options", "told"),
        [
            (["--input", "[1]"], "--input"),
            (["--provider", "nonsense"], "does not have the form URL=OTHER_URL"),
            (["--provider", f"{URL}=ftp://x"], "ftp://x"),
            (["--provider", "https://other.org=http://127.0.0.1:1"], f"the flow calls: {URL}"),
            (["--token-for", "Role"], "ROLE=TOKEN"),
            (["--continue", "x.log"], "Give a definition FILE, or --continue"),
            (["--input-schema", "nowhere"], "nowhere"),
        ],
    )
    def test_wrong_options_are_errors(
        self, command: Command, write_flow: WriteFlow, options: list[str], told: str
    ) -> None:
        done = command("run", write_flow(ASK), *options)
        assert done.exit_code == 2
        assert told in done.err

    def test_an_invalid_definition_does_not_run(self, command: Command, write_flow: WriteFlow) -> None:
        done = command("run", write_flow(flow(A=pass_on(Next="B"))))
        assert (done.exit_code, done.out) == (2, "")
        assert 'There is no state "B".' in done.err

    def test_the_input_must_fit_the_schema(self, command: Command, write_flow: WriteFlow, tmp_path: Path) -> None:
        (tmp_path / "schema.json").write_text('{"required": ["offset"]}')
        file = write_flow(flow(A=pass_on()))
        assert command("run", file, "--input-schema", tmp_path / "schema.json").exit_code == 2
        assert command("run", file, "--input-schema", tmp_path / "schema.json", "-i", '{"offset": 1}').exit_code == 0

    def test_a_role_needs_a_token(self, command: Command, write_flow: WriteFlow, provider: RunningProvider) -> None:
        file = write_flow(flow(A=action(Parameters={"utc_offset": 1}, RunAs="Curator")))
        refused = command("run", file, *at(provider))
        assert refused.exit_code == 2
        assert "give --token-for 'Curator=TOKEN'" in refused.err
        bob = "urn:globus:auth:identity:5b1c0de0-0000-4000-8000-00000000b0b0"
        for options in (
            ["--token-for", "Curator=local-token-bob"],
            ["-i", '{"_tokens": {"Curator": "local-token-bob"}}'],
        ):
            done = command("run", file, *at(provider), *options)
            assert done.json["result"]["creator_id"].startswith(bob[:40])
            assert "local-token-bob" not in done.out + done.err

    def test_without_a_login_the_flow_does_not_start(
        self, command: Command, write_flow: WriteFlow, provider: RunningProvider
    ) -> None:
        file = write_flow(flow(Nap={"Type": "Wait", "Seconds": 600, "Next": "A"}, A=action()))
        done = command("run", file, "--provider", f"*={provider.url}")
        assert done.exit_code == 3
        assert "Set ACTION_TOKEN" in done.err

    def test_one_token_does_not_go_to_several_hosts(self, command: Command, write_flow: WriteFlow) -> None:
        file = write_flow(flow(A=action(Next="B"), B=action(ActionUrl="https://other.example.org")))
        done = command("run", file, "--token", ALICE)
        assert done.exit_code == 2
        assert "One token would go to 2 hosts" in done.err

    def test_a_handler_of_globus_is_sent_to_a_provider(
        self, command: Command, write_flow: WriteFlow, provider: RunningProvider
    ) -> None:
        urn = "urn:globus:flows:handle:globus:TIME.TELL"
        file = write_flow(flow(A={**action(Handler=urn, Parameters={"utc_offset": 1}), "ActionUrl": None}))
        refused = command("run", file, "--token", ALICE)
        assert refused.exit_code == 2
        assert f"--provider '{urn}=https://…'" in refused.err
        assert command("run", file, "--token", ALICE, "--provider", f"{urn}={provider.url}").exit_code == 0

    def test_web_inputs_are_answered_in_turn(self, command: Command, write_flow: WriteFlow) -> None:
        file = write_flow(QUESTION)
        assert command("run", file, "--answer", "no").json["told"]["response"] == "no"
        assert command("run", file, "--answer", "maybe").exit_code == 1


QUESTION = flow(
    Ask={
        "Type": "CreateWebInput",
        "Parameters": {
            "InputType": "Selection",
            "Context": {"Title": "Go on?", "Rows": [{"Field": "Size", "Value.$": "$.size"}]},
            "Options": [{"Value": "yes", "Label": "Of course"}, {"Value": "no"}],
        },
        "ResultPath": "$.ask",
        "Next": "Await",
    },
    Await={
        "Type": "AwaitWebInput",
        "Parameters": {"web_input_id.$": "$.ask.web_input_id"},
        "ResultPath": "$.told",
        "End": True,
    },
)
QUESTION["States"]["Ask"]["Parameters"]["Context"]["Rows"] = [{"Field": "Size", "Value": 7}]


class TestLog:
    def test_text_that_utf_8_cannot_express_is_escaped(
        self, command: Command, write_flow: WriteFlow, tmp_path: Path
    ) -> None:
        done = command("run", write_flow(flow(A=pass_on(Result={"a": "\ud800 é"}))), "--log", tmp_path / "log")
        assert done.exit_code == 0
        entries = [json.loads(line) for line in (tmp_path / "log").read_text("utf-8").splitlines()]
        assert entries[-1]["details"]["output"] == {"a": "\ud800 é"}

    def test_the_log_has_an_entry_on_each_line(
        self, command: Command, write_flow: WriteFlow, provider: RunningProvider, tmp_path: Path
    ) -> None:
        log = tmp_path / "run.log"
        done = command("run", write_flow(ASK), "-i", '{"offset": 1}', "--log", log, *at(provider))
        entries = [json.loads(line) for line in log.read_text().splitlines()]
        assert (entries[0]["code"], entries[-1]["code"]) == ("FlowStarted", "FlowSucceeded")
        assert entries[-1]["details"]["output"] == done.json
        assert not (tmp_path / "run.log.state").exists()
        refused = command("run", "--continue", log)
        assert refused.exit_code == 2
        assert "the run has ended" in refused.err

    def test_a_run_that_is_killed_continues_without_a_second_action(
        self, command: Command, write_flow: WriteFlow, slow_provider: RunningProvider, tmp_path: Path
    ) -> None:
        log = tmp_path / "run.log"
        file = write_flow(
            flow(
                Ask=action(
                    Parameters={"utc_offset.$": "$._private_offset"},
                    WaitTime=4,
                    Catch=[{"ErrorEquals": ["ActionTimeout"], "ResultPath": "$.late", "Next": "Late"}],
                ),
                Late=pass_on(),
            )
        )
        typed = [sys.executable, "-m", "client", "flow", "run", file, "-i", '{"_private_offset": 1}', "--log", str(log)]
        process = subprocess.Popen(
            [*typed, *at(slow_provider)], cwd=ROOT, env=clean_environment(), stderr=subprocess.PIPE, text=True
        )
        assert process.stderr is not None
        assert "Ask (Action): ACTIVE" in process.stderr.readline()
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stderr.close()
        state = tmp_path / "run.log.state"
        assert state.stat().st_mode & 0o777 == 0o600
        refused = command("run", file, "--log", log, *at(slow_provider))
        assert refused.exit_code == 2
        assert "continue it with" in refused.err
        done = command("run", "--continue", log, "--token", ALICE)
        assert done.exit_code == 0
        entries = [json.loads(line) for line in log.read_text().splitlines()]
        ids = {each["details"]["action_status"]["action_id"] for each in entries if each["code"] == "ActionPolled"}
        assert ids == {done.json["late"]["action_id"]}
        assert entries[-1]["code"] == "FlowSucceeded"
        assert '"_private_offset": 1' not in log.read_text()
        assert not state.exists()


MANY: Data = {"Variable": "$.n", "NumericGreaterThan": 3}
BRANCHES: Data = {
    "StartAt": "Ask",
    "States": {
        "Ask": action(Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Enough?"}], Next="Done"),
        "Enough?": {
            "Type": "Choice",
            "Choices": [{"And": [MANY, {"Not": {"Variable": "$.x", "IsNull": True}}], "Next": "Give up"}],
            "Default": "Nap",
        },
        "Nap": {"Type": "Wait", "Seconds": 5, "Next": "Ask"},
        "Give up": {"Type": "Fail"},
        "Done": pass_on(),
    },
}


class TestGraph:
    def test_a_tree(self, command: Command, write_flow: WriteFlow) -> None:
        done = command("graph", write_flow(BRANCHES), "--as", "tree")
        assert done.out == (
            "Ask (Action actions.example.org/time)\n"
            "├─ Done (Pass) → end\n"
            "└─ [error States.ALL] Enough? (Choice)\n"
            "   ├─ [n > 3 and not (x is null)] Give up (Fail)\n"
            "   └─ [otherwise] Nap (Wait 5 s)\n"
            "      ↑ Ask\n"
        )

    @pytest.mark.parametrize("form", ["tree", "mermaid"])
    def test_names_add_no_lines_and_no_control_characters(
        self, command: Command, write_flow: WriteFlow, form: str
    ) -> None:
        odd = "A\nB \x1b[31m\u202e"
        plain = command("graph", write_flow(flow(A=pass_on(Next="Z"), Z=pass_on())), "--as", form).out
        drawn = command("graph", write_flow(flow(**{odd: pass_on(Next="Z")}, Z=pass_on())), "--as", form).out
        assert not {"\x1b", "\u202e"} & set(drawn)
        assert drawn.count("\n") == plain.count("\n")

    def test_mermaid(self, command: Command, write_flow: WriteFlow) -> None:
        done = command("graph", write_flow(BRANCHES))
        assert done.out.splitlines() == [
            "flowchart TD",
            "    start((start)) --> s0",
            '    s0["Ask<br>Action actions.example.org/time"]',
            '    s1{"Enough#63;<br>Choice"}',
            '    s2(["Nap<br>Wait 5 s"])',
            '    s3[["Give up<br>Fail"]]',
            '    s4("Done<br>Pass")',
            "    s0 --> s4",
            '    s0 -. "error States.ALL" .-> s1',
            '    s1 -- "n #62; 3 and not (x is null)" --> s3',
            '    s1 -- "otherwise" --> s2',
            "    s2 --> s0",
            "    s4 --> finish((end))",
        ]

    def test_a_long_chain_of_choices_is_drawn_in_reasonable_size(self, command: Command, write_flow: WriteFlow) -> None:
        states: Data = {
            str(index): {
                "Type": "Choice",
                "Choices": [{"Variable": "$.a", "IsNull": True, "Next": str(index + 1)}],
                "Default": "3000",
            }
            for index in range(3000)
        }
        done = command("graph", write_flow(flow(**states, **{"3000": pass_on()})), "--as", "tree")
        assert done.exit_code == 0
        assert len(done.out) < 100_000


def hear_ctrl_c() -> None:
    """Handle Ctrl-C even if the tests run in the background of a shell, which ignores it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def terminal(*arguments: str) -> Any:
    typed = ["-m", "client", "flow", "run", *arguments]
    environment = clean_environment(TERM="xterm", NO_COLOR="1", HOME="/nonexistent")
    return pexpect.spawn(
        sys.executable,
        typed,
        cwd=str(ROOT),
        env={name: value for name, value in environment.items() if not name.startswith("ACTION_")},
        encoding="utf-8",
        timeout=60,
        dimensions=(40, 120),
        preexec_fn=hear_ctrl_c,
    )


class TestTerminal:
    def test_ctrl_c_offers_to_cancel_the_action(
        self, write_flow: WriteFlow, slow_provider: RunningProvider, tmp_path: Path
    ) -> None:
        log = str(tmp_path / "run.log")
        file = write_flow(flow(Ask=action(Parameters={"utc_offset": 1}, WaitTime=5000)))
        running = terminal(file, "--log", log, *at(slow_provider))
        running.expect(r"0:01  Ask  ACTIVE  about 9:5\d left")
        running.sendintr()
        running.expect(r"Cancel the action of Ask, and the run with it\? \[y/N\]")
        running.sendline("n")
        running.expect("The action continues. Cancel it:  .* cancel --action-url")
        running.expect(f"Continue the run:  .* flow run --continue {re.escape(log)}")
        running.expect(pexpect.EOF)
        running.close()
        assert running.exitstatus == 130

        running = terminal("--continue", log, "--token", ALICE)
        running.expect("Ask  ACTIVE")
        running.sendintr()
        running.expect("Cancel the action of Ask")
        running.sendline("y")
        running.expect("The action and the run were canceled.")
        running.expect(pexpect.EOF)
        running.close()
        assert running.exitstatus == 130
        assert json.loads(Path(log).read_text().splitlines()[-1])["code"] == "FlowCanceled"
        assert not os.path.exists(f"{log}.state")

    def test_a_web_input_is_asked(self, write_flow: WriteFlow) -> None:
        running = terminal(write_flow(QUESTION))
        running.expect("Go on")
        running.expect("Size: 7")
        running.expect("1  Of course")
        running.expect("2  no")
        running.expect(r"Choose \(1-2\)")
        running.sendline("5")
        running.expect(r"Choose \(1-2\)")
        running.sendline("2")
        running.expect('"response": "no"')
        running.expect(pexpect.EOF)
        running.close()
        assert running.exitstatus == 0
