"""Dependencies: exactly what the provider imports, each locked and explained."""

from __future__ import annotations

import ast
import re
import sys
from importlib.metadata import packages_distributions

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.processes import ROOT


def requirements(name: str) -> dict[str, Requirement]:
    lines = [line.partition("#")[0].strip() for line in (ROOT / name).read_text("utf-8").splitlines()]
    found = [Requirement(line) for line in lines if line and not line.startswith("-")]
    return {canonicalize_name(each.name): each for each in found}


def locked() -> dict[str, str]:
    text = (ROOT / "requirements.lock").read_text("utf-8")
    return {canonicalize_name(name): version for name, version in re.findall(r"^([\w.-]+)==([\w.]+)", text, re.M)}


def imported(*folders: str) -> set[str]:
    """Return the distributions that the modules in these folders import."""
    modules = set[str]()
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules.add(node.module.partition(".")[0])
    ours = {"app", "local_globus", "_typeshed"}
    known = packages_distributions()
    return {canonicalize_name(known[module][0]) for module in modules - sys.stdlib_module_names - ours}


def test_the_provider_needs_what_it_imports_and_no_more() -> None:
    brought_along = {"werkzeug", "click", "globus-sdk", "cryptography"}  # by Flask, the toolkit, and PyJWT
    assert imported("app", "local_globus") - brought_along == requirements("requirements.txt").keys()


def test_what_is_needed_is_locked_with_hashes() -> None:
    versions = locked()
    for name, requirement in requirements("requirements.txt").items():
        assert requirement.specifier.contains(versions[name]), f"run script/lock: {name} {versions[name]}"
    blocks = re.split(r"^(?=[\w.-]+==)", (ROOT / "requirements.lock").read_text("utf-8"), flags=re.M)[1:]
    assert len(blocks) == len(versions)
    assert all("--hash=sha256:" in block for block in blocks)


@pytest.mark.parametrize("name", sorted(path.name for path in ROOT.glob("requirements*.txt")))
def test_each_dependency_is_explained_and_has_a_range(name: str) -> None:
    explained = (ROOT / "docs" / "dependencies.md").read_text("utf-8").casefold()
    for dependency, requirement in requirements(name).items():
        assert len(requirement.specifier) == 2, f"{dependency} has no range"
        assert dependency in explained or dependency.startswith("types-"), f"{dependency} has no line"
