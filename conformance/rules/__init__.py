"""The rules, in the order in which they are tried: importing this module fills `conformance.rule.RULES`."""

from conformance.rules import (  # isort: skip  # noqa: F401 - the order is that of the trying
    introspection,
    run,
    life_cycle,
    once,
    tokens,
    access,
    log,
    enumeration,
    newer_paths,
    release,
    overall,
)
