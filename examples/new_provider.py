"""Create the folder of a new Action Provider, with a module that works and is made to be edited.

NAME is a word such as my_jobs: lowercase letters, digits, and underscores.
"""

from __future__ import annotations

import keyword
import re
import shlex
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = Path(__file__).with_name("template")
FILES = ("__init__.py", "README.md", "schema.json", "test_template.py", "work.py")

TAKEN = {"app", "benchmarks", "client", "conformance", "examples", "local_globus", "script", "tests", "test", "config"}
"""Names that already mean something to Python here."""


def check_name(name: str) -> str:
    """Return the name if it is a valid provider name.

    :raises click.BadParameter: it is not; suggests a valid name if possible.
    """
    if re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name, re.ASCII) and not keyword.iskeyword(name) and name not in TAKEN:
        return name
    near = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:40]
    usable = re.fullmatch(r"[a-z][a-z0-9_]*", near) and not keyword.iskeyword(near) and near not in TAKEN
    hint = f" Try {near}." if usable else ""
    if name in TAKEN or keyword.iskeyword(name):
        raise click.BadParameter(f"{name} means something else here. Choose another, such as my_{name}.")
    raise click.BadParameter(
        f"{name!r} must be up to 40 lowercase letters, digits, and underscores, starting with a letter.{hint}"
    )


def module_name(folder: Path) -> str:
    """Return the dotted name of the work module in this folder, as seen from the repository or from its parent."""
    inside = folder.parent.is_relative_to(ROOT)
    parts = folder.relative_to(ROOT).parts if inside else (folder.name,)
    return ".".join((*parts, "work"))


def create(folder: Path) -> None:
    """Write the files of a new provider into this new folder.

    :raises FileExistsError: it exists.
    """
    name, module = folder.name, module_name(folder)
    inside = folder.parent.is_relative_to(ROOT)
    place = folder.relative_to(ROOT) if inside else folder
    path = "" if inside else f"PYTHONPATH={shlex.quote(str(folder.parent))} "
    words = {
        "examples.template.work": module,
        "TITLE": name.replace("_", " ").title(),
        "NAME": name.replace("_", "-"),
        "START": f"{path}WHATTIME_WORK={module} script/server",
        "TEST": f"{path}script/test {shlex.quote(str(place))}",
    }
    folder.mkdir(parents=True)
    for file in FILES:
        text = (TEMPLATE / file).read_text("utf-8").replace("test_NAME.py", f"test_{name}.py")
        for word, replacement in words.items():
            text = re.sub(rf"\b{re.escape(word)}\b", lambda _, to=replacement: to, text)  # type: ignore[misc]
        (folder / file.replace("template", name)).write_text(text, "utf-8")


@click.command(help=__doc__, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("name", callback=lambda _context, _parameter, value: check_name(value))
@click.option(
    "--into",
    type=click.Path(path_type=Path),
    default=ROOT / "providers",
    show_default="providers/ of this repository",
    help="The parent folder.",
)
def main(name: str, into: Path) -> None:
    folder = into.absolute() / name
    try:
        create(folder)
    except FileExistsError as error:
        raise click.ClickException(f"{folder} exists already. Nothing was changed. Choose another name.") from error
    except OSError as error:
        raise click.ClickException(f"{folder} cannot be created: {error.strerror}") from error
    start = next(line for line in (folder / "README.md").read_text("utf-8").splitlines() if "script/server" in line)
    click.echo(
        f"Created {folder}.\n\nStart it:\n\n    {start}\n\nThen edit work.py and schema.json in it. README.md has more."
    )


if __name__ == "__main__":
    main(prog_name="script/new-provider")
