"""Check any Action Provider against the Action Provider interface.

The suite starts actions with the given body (about forty, and up to --rounds more), resumes, cancels, and releases
them, and reports for each rule whether the provider follows it. The exit code is 0 if nothing is WRONG, 1 if something
is, and 2 if the provider could not be tested completely.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click
import requests

from conformance import report
from conformance.errors import Untestable
from conformance.provider import ProviderUnderTest
from conformance.rule import RULES, Outcome
from conformance.suite import run

FILE = click.Path(path_type=Path)
SECONDS = click.FloatRange(min=0, min_open=True, max=86400)


def _body(_context: click.Context, _parameter: click.Parameter, file: Path | None) -> dict[str, Any] | None:
    if file is None:
        return None
    try:
        body = json.loads(file.read_bytes())
    except OSError as error:
        raise click.BadParameter(f"{file} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise click.BadParameter(f"{file} is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise click.BadParameter(f"{file} must contain a JSON object.")
    return body


def _url(_context: click.Context, _parameter: click.Parameter, url: str) -> str:
    try:
        prepared = requests.Request("GET", url).prepare().url or ""
    except (requests.RequestException, ValueError) as error:
        raise click.BadParameter(f"{url} is not a URL: {error}") from error
    if not prepared.startswith(("http://", "https://")) or "?" in url or "#" in url:
        raise click.BadParameter(f"{url} must be an http or https URL without ? and #.")
    return url


def _token(_context: click.Context, _parameter: click.Parameter, token: str | None) -> str | None:
    if token is not None and not (token.isascii() and token.isprintable() and token.strip() == token and token):
        raise click.BadParameter("a token is printable ASCII text without surrounding spaces.")
    return token


def _list_rules(context: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if wanted:
        click.echo(report.rule_list(RULES))
        context.exit()


@click.command(help=__doc__, context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--action-url", required=True, callback=_url, help="The provider's URL, which serves introspection.")
@click.option(
    "--token", required=True, callback=_token, envvar="CONFORMANCE_TOKEN", help="A bearer token that it accepts."
)
@click.option(
    "--other-token",
    callback=_token,
    envvar="CONFORMANCE_OTHER_TOKEN",
    help="A token of another user; without it, what other users can do is not checked.",
)
@click.option("--body", required=True, type=FILE, callback=_body, help="A file with a valid body, as JSON.")
@click.option("--other-body", type=FILE, callback=_body, help="Another valid body; by default, one is made up.")
@click.option("--timeout", default=60.0, type=SECONDS, help="How many seconds to wait for actions to end, in total.")
@click.option("--request-timeout", default=10.0, type=SECONDS, help="How many seconds one response may take.")
@click.option(
    "--rounds",
    default=100,
    type=click.IntRange(1, 10_000),
    help="How many rounds of simultaneous requests to send, within 20 seconds; each starts an action.",
)
@click.option("--format", "form", default="text", type=click.Choice(["text", "json"]), help="The report format.")
@click.option("--list", is_flag=True, is_eager=True, expose_value=False, callback=_list_rules, help="List the rules.")
def main(
    *,
    action_url: str,
    token: str,
    other_token: str | None,
    body: dict[str, Any],
    other_body: dict[str, Any] | None,
    timeout: float,
    request_timeout: float,
    rounds: int,
    form: str,
) -> None:
    if token == other_token:
        raise click.UsageError("--other-token must belong to another user, but it is the same as --token.")

    def say(text: str) -> None:
        click.echo(report.hide(text, (token, other_token)), err=True)

    provider = ProviderUnderTest(
        action_url,
        token,
        body,
        other_token=other_token,
        other_body=other_body,
        limit_seconds=request_timeout,
        wait_seconds=timeout,
        rounds=rounds,
        say=say,
    )
    try:
        found = run(provider, say)
    except Untestable as error:
        say(f"Error: {error}")
        sys.exit(2)
    write = report.as_json if form == "json" else report.as_text
    click.echo(report.hide(write(found), (token, other_token)))
    if found.stopped:
        say(f"Error: {found.stopped}")
        sys.exit(2)
    if report.count(found.results)[Outcome.WRONG]:
        sys.exit(1)
    if found.other_token_problem:
        say(f"Error: {found.other_token_problem}, so what other users can do was not checked.")
        sys.exit(2)


if __name__ == "__main__":
    main(prog_name="script/conformance")
