"""The rules, in the order in which they are checked: importing this package fills `conformance.rule.RULES`."""

from conformance.rules import (  # isort: skip  # noqa: F401 - the order of the checks
    introspection,
    run,
    invalid,
    life_cycle,
    inactive,
    once,
    simultaneous,
    tokens,
    access,
    log,
    enumeration,
    newer_paths,
    release,
    overall,
)
