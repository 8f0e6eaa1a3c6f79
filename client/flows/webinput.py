"""Web inputs: questions that the service asks in its web app, and this program asks at the terminal."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Protocol

from .errors import EXPIRED, RUNTIME, FlowError
from .run import Position


class Answerer(Protocol):
    """Answers a question.

    :returns: the Value of one of its Options; None if nobody answers, as if the question had expired.
    """

    def __call__(self, question: Mapping[str, Any]) -> str | None: ...


def create(position: Position, question: Any) -> dict[str, Any]:
    """Store a question, and return its id.

    :raises FlowError: it is not a valid question.
    """
    if not isinstance(question, Mapping) or not _values(question):
        raise FlowError(RUNTIME, "A web input needs Options, each an object with a Value.")
    web_input_id = str(uuid.uuid5(uuid.UUID(position.run_id), f"web input {position.visit}"))
    position.web_inputs[web_input_id] = dict(question)
    return {"web_input_id": web_input_id}


def await_answer(position: Position, given: Any, answer: Answerer) -> dict[str, Any]:
    """Ask a question that has been stored, and return the answer.

    :raises FlowError: the question does not exist, or was not answered.
    """
    web_input_id = given.get("web_input_id") if isinstance(given, Mapping) else None
    question = position.web_inputs.get(str(web_input_id))
    if question is None:
        raise FlowError(RUNTIME, f"There is no web input {str(web_input_id)[:80]!r}.")
    response = answer(question)
    if response is None:
        raise FlowError(EXPIRED, "There was no answer.")
    if response not in _values(question):
        raise FlowError(RUNTIME, f"{response[:80]!r} is not one of the options.")
    return {"web_input_id": web_input_id, "response": response}


def _values(question: Mapping[str, Any]) -> list[Any]:
    options = question.get("Options")
    listed = options if isinstance(options, list) else []
    return [option["Value"] for option in listed if isinstance(option, Mapping) and "Value" in option]
