"""Use the installed client in each of its forms, against a provider in local mode: python -I smoke.py URL.

Needs nothing of the repository. Ends with an error if something does not work.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

BIN = Path(sys.prefix) / "bin"
FLOW = {
    "StartAt": "Ask",
    "States": {
        "Ask": {
            "Type": "Action",
            "ActionUrl": "https://provider.example/",
            "Parameters": {"utc_offset.$": "$.utc_offset"},
            "ResultPath": "$.answer",
            "WaitTime": 60,
            "End": True,
        }
    },
}
TEST = """
from globus_action.flows import StubProvider


def test_the_flow(flow_runner):
    run = flow_runner("flow.json", {"*": StubProvider(lambda body: {"time": "noon"}, seconds=9)}).run({"utc_offset": 1})
    assert run.output["answer"]["details"] == {"time": "noon"}
"""


def wait_until_it_answers(url: str) -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(f"{url}/openapi.json", timeout=60).close()
            return
        except OSError:
            time.sleep(0.1)
    sys.exit(f"Nothing answers at {url}.")


def run(*command: str) -> str:
    environment = {**os.environ, "ACTION_TOKEN": "local-token-alice", "HOME": str(Path.cwd())}
    done = subprocess.run(
        [str(BIN / command[0]), *command[1:]], capture_output=True, text=True, check=False, env=environment
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done.stdout


def installed_package() -> Any:
    return importlib.import_module("globus_action")


def try_the_package() -> None:
    package = installed_package()
    folder = Path(package.__file__).parent
    assert folder.is_relative_to(sys.prefix), folder
    assert (folder / "py.typed").is_file()
    assert package.__version__ == importlib.metadata.version("globus-action")
    assert run("globus-action", "--version").split() == ["globus-action", package.__version__]


def try_the_command(url: str) -> None:
    assert json.loads(run("globus-action", "introspect", "--action-url", url))["api_version"] == "1.0"
    body = ("--body", '{"utc_offset": 5.75}')
    status = json.loads(run("globus-action", "run", "--action-url", url, *body, "--watch"))
    assert status["status"] == "SUCCEEDED"
    assert status["details"]["whattimeisit"].endswith("+05:45")
    run("globus-action", "release", "--action-url", url, status["action_id"])


def try_the_library(url: str) -> None:
    import globus_sdk

    authorizer = globus_sdk.AccessTokenAuthorizer("local-token-alice")
    client = installed_package().ActionClient(url, authorizer=authorizer)
    action = client.run({"utc_offset": 1})
    assert client.wait(action["action_id"])["status"] == "SUCCEEDED"


def try_flows(url: str) -> None:
    Path("flow.json").write_text(json.dumps(FLOW))
    Path("test_flow.py").write_text(TEST)
    run("globus-action", "flow", "check", "flow.json")
    output = run("globus-action", "flow", "run", "flow.json", "--input", '{"utc_offset": 1}', "--provider", f"*={url}")
    assert json.loads(output)["answer"]["status"] == "SUCCEEDED"
    assert "1 passed" in run("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_flow.py")


if __name__ == "__main__":
    wait_until_it_answers(sys.argv[1])
    try_the_package()
    try_the_command(sys.argv[1])
    try_the_library(sys.argv[1])
    try_flows(sys.argv[1])
    print(f"Python {platform.python_version()}, globus-sdk {importlib.metadata.version('globus-sdk')}: ok")
