"""Hooks of mkdocs for our site (mkdocs.yml): pages from the whole repository, with links that work in both places.

The Markdown files are written to be read in the repository, where a link can lead to any file. In the site, README,
CHANGELOG, and the READMEs of folders are pages, too. Each source file that a page links to gets a page that shows it.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from urllib.parse import urlsplit

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
PAGES = ["*.md", "tests/README.md", "examples/README.md", "examples/[!t]*/README.md"]  # not that of the template
OUTSIDE = [path.relative_to(ROOT).as_posix() for pattern in PAGES for path in sorted(ROOT.glob(pattern))]

CODE = re.compile(r"(^```.*?^```$|`[^`\n]+`|^ {4}.*?$)", re.MULTILINE | re.DOTALL)
TARGET = re.compile(r"(?P<before>\]\(|(?:src|srcset|href)=\")(?P<target>[^)\s\"]+)(?=[)\"])")
PICTURE = re.compile(r"<picture>\s*<source [^>]*srcset=\"([^\"]+)\">\s*<img src=\"([^\"]+)\"([^>]*)>\s*</picture>")
DOCSTRINGS = re.compile(r"<!-- docstrings: ([\w.]+): ([\w ]+) -->")
LOADED = re.compile(r"<(script|img|source|iframe|link rel=\"(stylesheet|preload|icon)\")[^>]+(src|srcset|href)=\"http")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages from outside of docs/, and one for each source file that a page links to."""
    files.remove(files.src_uris["README.md"])  # a list of the pages, which the site has as its navigation
    level = InclusionLevel.NOT_IN_NAV
    for name in OUTSIDE:
        files.append(File.generated(config, name, abs_src_path=str(ROOT / name), inclusion=level))
    for source in sorted({found for file in files.documentation_pages() for found in _sources(file)}):
        content = f"# {source}\n\n```{Path(source).suffix[1:]}\n{(ROOT / source).read_text('utf-8')}```\n"
        files.append(File.generated(config, f"source/{source}.md", content=content, inclusion=level))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Let links lead to the pages of the site, pictures follow its color scheme, and docstrings appear."""
    if page.file.src_uri.startswith("source/"):
        return markdown
    parts = CODE.split(markdown)  # text and code in turn
    parts[::2] = [TARGET.sub(lambda link: _in_site(link, page.file), text) for text in parts[::2]]
    markdown = PICTURE.sub(r'<img src="\2#only-light"\3><img src="\1#only-dark"\3>', "".join(parts))
    return DOCSTRINGS.sub(_directives, markdown)


def on_post_page(output: str, page: Page, **_: object) -> str:
    """Make sure that the site needs no network.

    :raises PluginError: the page loads something from elsewhere.
    """
    loaded = LOADED.search(output)
    if loaded:
        raise PluginError(f"{page.file.src_uri} loads something from elsewhere: {loaded[0]}…")
    return output


def _origin(file: File) -> str:
    """Return the path of a page in the repository."""
    return file.src_uri if file.src_uri in OUTSIDE else f"docs/{file.src_uri}"


def _linked(target: str, file: File) -> str | None:
    """Return the path in the repository that a link leads to; None if it leads elsewhere or into its own page."""
    parts = urlsplit(target)
    if parts.scheme or not parts.path:
        return None
    return posixpath.normpath(posixpath.join(posixpath.dirname(_origin(file)), parts.path))


def _sources(file: File) -> set[str]:
    """Return the source files that a page links to."""
    texts = CODE.split(file.content_string)[::2]
    linked = {_linked(link["target"], file) for text in texts for link in TARGET.finditer(text)}
    return {path for path in linked if path and path not in OUTSIDE and not path.startswith("docs/")}


def _in_site(link: re.Match[str], file: File) -> str:
    """Return a link with the target that it has in the site."""
    path = _linked(link["target"], file)
    if path is None:
        return link[0]
    if path.startswith("docs/"):
        path = path.removeprefix("docs/")
    elif path not in OUTSIDE:
        path = f"source/{path}.md"
    path = posixpath.relpath(path, posixpath.dirname(file.src_uri) or ".")
    fragment = urlsplit(link["target"]).fragment
    return f"{link['before']}{path}{'#' if fragment else ''}{fragment}"


def _directives(comment: re.Match[str]) -> str:
    """Return what mkdocstrings replaces by the docstrings of these names."""
    return "## Docstrings\n\n" + "\n\n".join(f"::: {comment[1]}.{name}" for name in comment[2].split())
