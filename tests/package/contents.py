"""Check what an sdist and a wheel contain: python -m tests.package.contents dist. Exit with 1 if it is wrong."""

from __future__ import annotations

import email
import re
import subprocess
import sys
import tarfile
import zipfile
from email.message import Message
from pathlib import Path

import client
from tests.processes import ROOT

_LINK = r"""\]\(<?([^)\s>]+)|^ *\[[^\]]+\]: *<?([^\s>]+)|(?:href|src)=["']?([^"'\s>]+)"""
"""A link in Markdown: inline, as a definition for references, or in HTML."""


def tracked(*paths: str) -> set[str]:
    """Return the files of the repository at these paths, without those that git ignores."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *paths]
    return set(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split())


def wrong_files(kind: str, found: set[str], expected: set[str]) -> list[str]:
    extra = [f"{kind}: {name} is in it, and should not be" for name in sorted(found - expected)]
    return extra + [f"{kind}: {name} is missing" for name in sorted(expected - found)]


def check_sdist(path: Path) -> list[str]:
    with tarfile.open(path) as archive:
        files = {name.partition("/")[2] for name in archive.getnames()}
    expected = tracked("client", "docs/client.md", "CHANGELOG.md", "LICENSE", "pyproject.toml", ".gitignore")
    return wrong_files("sdist", files, expected | {"PKG-INFO"})


def check_wheel(path: Path) -> list[str]:
    info = f"globus_action-{client.__version__}.dist-info"
    with zipfile.ZipFile(path) as archive:
        files, metadata = set(archive.namelist()), email.message_from_bytes(archive.read(f"{info}/METADATA"))
    modules = {name.replace("client/", "globus_action/", 1) for name in tracked("client")}
    about = {f"{info}/{name}" for name in ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE")}
    return wrong_files("wheel", files, modules | about | {"globus_action/py.typed"}) + wrong_metadata(metadata)


def wrong_metadata(metadata: Message) -> list[str]:
    expected = {
        "Name": "globus-action",
        "Version": client.__version__,
        "License-Expression": "Apache-2.0",
        "License-File": "LICENSE",
        "Requires-Python": ">=3.11",
        "Provides-Extra": "pytest",
    }
    wrong = [f"{name} is {metadata[name]}, not {value}" for name, value in expected.items() if metadata[name] != value]
    links = broken_links(str(metadata.get_payload()))
    return wrong + [f"the link {link} of the description leads nowhere on PyPI" for link in links]


def broken_links(text: str) -> list[str]:
    """Return the links in Markdown that lead neither to the web nor to a heading of the same page."""
    headings = re.findall(r"^#+ (.*)$", text, re.M)
    known = {f"#{re.sub(r'[^a-z0-9_ -]', '', heading.lower()).replace(' ', '-')}" for heading in headings}
    found = [link for match in re.findall(_LINK, text, re.M) for link in match if link]
    return [link for link in found if not link.startswith("https://") and link not in known]


def main(folder: Path) -> int:
    names = [path.name for path in folder.iterdir()]
    expected = {f"globus_action-{client.__version__}.tar.gz", f"globus_action-{client.__version__}-py3-none-any.whl"}
    wrong = wrong_files("folder", set(names), expected)
    if not wrong:
        sdist, wheel = (folder / name for name in sorted(expected, reverse=True))
        wrong = check_sdist(sdist) + check_wheel(wheel)
    print("\n".join(wrong) or f"{folder}: ok")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
