"""Output for people, in a pseudo-terminal."""

from __future__ import annotations

import re
import shlex

from client.console import Console
from client.watch import ProgressDisplay
from tests.client.conftest import BODY, Command, Terminal, seen
from tests.processes import RunningProvider


def test_a_page_for_people(terminal: Terminal) -> None:
    page = seen(terminal("introspect", ACTION_TOKEN="local-token-alice"))
    assert page.startswith("What Time Is It Right Now?\nFrom the makers of Philbert")
    for line in (
        r"Run by: +everyone who is logged in\n",
        r"FIELD +TYPE +LIMITS +MEANING\n",
        r"utc_offset\*  number  above -24, below 24, a multiple of 0.25  Hours east of UTC",
        r"  python -m client run --body '{\"utc_offset\": 1}' --watch\n",
    ):
        assert re.search(line, page), line
    assert seen(terminal("introspect", "-f", "json", ACTION_TOKEN="local-token-alice")).startswith("{\n")


def test_a_live_line_and_what_to_type_after_ctrl_c(terminal: Terminal, slow_provider: RunningProvider) -> None:
    client_id = "0e0e0e0e-0000-4000-8000-000000000000"
    options = ["--action-url", slow_provider.url, "--token", "local-token-alice", "--client-id", client_id]
    watching = terminal("run", "-b", BODY, "--watch", *options, ACTION_URL="")
    watching.expect(r"ACTIVE  0:00  \[ {20}\]   0%, about 10:00 left")
    watching.expect(r"\x1b\[KACTIVE  0:01")
    watching.sendintr()
    said = seen(watching, 130)
    assert "No longer watching; the action continues.\n" in said
    assert "\n\n" not in said
    assert "\n\x1b[K\n" not in said
    found = re.search(r"Cancel it: +python -m client (cancel .+)\n", said)
    assert found
    assert f"status --action-url {slow_provider.url} --token TOKEN --client-id {client_id} --watch " in said
    cancelled = terminal(*shlex.split(found[1].replace("TOKEN", "local-token-alice")), ACTION_URL="")
    assert '"error": "CANCELLED"' in seen(cancelled)


def test_the_bar_is_not_full_and_shows_no_100_percent_before_the_end() -> None:
    display = ProgressDisplay(Console(), resume="resume it")
    display.document = {
        "start_time": "2026-11-28T12:00:00+00:00",
        "completion_time": "2026-11-28T12:00:09.999+00:00",  # the elapsed time ends here
        "estimated_completion_time": "2026-11-28T12:00:10+00:00",
    }
    assert display.progress() == f"[{'#' * 19} ]  99%, about 0:01 left"


def test_no_redrawing_on_a_dumb_terminal_and_no_color_if_disabled(
    terminal: Terminal, quick_provider: RunningProvider
) -> None:
    run = ("run", "-b", BODY, "--watch")
    plain = terminal(
        "run",
        "-b",
        BODY,
        "-w",
        ACTION_URL=quick_provider.url,
        ACTION_TOKEN="local-token-bob",
        TERM="dumb",
        NO_COLOR="1",
    )
    said = seen(plain)
    assert said.startswith("ACTIVE …\nSUCCEEDED after 0:00.\n{\n")
    assert "\x1b" not in said
    colored = terminal(*run, ACTION_URL=quick_provider.url, ACTION_TOKEN="local-token-bob")
    assert "\x1b[32mSUCCEEDED after 0:00.\x1b[0m" in seen(colored)


def test_interactive_asks_for_each_field_at_the_terminal(terminal: Terminal) -> None:
    asking = terminal("run", "--interactive", ACTION_TOKEN="local-token-alice")
    asking.expect("number, above -24, below 24, a multiple of 0.25")
    asking.expect("utc_offset: ")
    asking.sendline("30")
    asking.expect("30 is greater than or equal to the maximum of 24")
    asking.expect("utc_offset: ")
    asking.sendline("-3.5")
    assert '"status": "ACTIVE"' in seen(asking)


def test_a_list_and_a_log_for_people(terminal: Terminal, command: Command, slow_provider: RunningProvider) -> None:
    started = command("run", "-b", BODY, "-l", "look at me", url=slow_provider.url, token="local-token-alice")
    action_id = started.json["action_id"]
    listed = seen(terminal("list", ACTION_TOKEN="local-token-alice"))
    assert re.search(f"^{action_id}  ACTIVE +[-0-9]+T[:0-9]+Z  look at me$", listed, re.MULTILINE)
    command("cancel", action_id, url=slow_provider.url, token="local-token-alice")
    log = seen(terminal("log", action_id, ACTION_TOKEN="local-token-alice"))
    assert re.search(r"^[-0-9]+T[:0-9]+Z  STARTED +The action started\.", log, re.MULTILINE)
    assert '"error": "CANCELLED"' in log
