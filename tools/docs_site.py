"""Build docs/ as a site: a hook of MkDocs that expands `nav` and brings in what pages link to outside docs/.

GitHub shows the same pages, so links and anchors work in both places.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

DOCS = "docs"
OUTSIDE = "repository"
"""The folder of the site for files that stay outside docs/."""
FENCED = re.compile(r"^ *```.*?^ *```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"(?<=\]\()([^()\s#]+)")
HTML_OF_A_TABLE = re.compile(r"<(table|tr|th|td)\b")
MARKUP = re.compile(r"<[^>]+>")


# ── Paths ───────────────────────────────────────────────────────────────────────────────────────────────


def site_path(root: Path, path: str) -> str:
    """Return where the site has a file or a folder of the repository."""
    if path.startswith(f"{DOCS}/"):
        return path.removeprefix(f"{DOCS}/")
    return f"{OUTSIDE}/{path}/index.md" if (root / path).is_dir() else f"{OUTSIDE}/{path}"


def repository_path(path: str) -> str:
    """Return the file of the repository that a page of the site shows."""
    return path.removeprefix(f"{OUTSIDE}/") if path.startswith(f"{OUTSIDE}/") else f"{DOCS}/{path}"


def link_targets(root: Path, page: str, text: str) -> Iterator[str]:
    """Yield the files and folders of the repository that a page links to."""
    for found in LINK.finditer(FENCED.sub("", text)):
        if target := resolve(root, page, found[0]):
            yield target


def resolve(root: Path, page: str, link: str) -> str | None:
    """Return what a link leads to in the repository; None for the web, and for what is not there."""
    target = posixpath.normpath(posixpath.join(posixpath.dirname(page), link))
    is_local = not re.match(r"[a-z]+:", link) and not target.startswith("..")
    return target if is_local and (root / target).exists() else None


def linked_outside(root: Path) -> list[str]:
    """Return what the site needs from outside docs/: what pages link to, directly or through other such pages."""
    pages = [str(path.relative_to(root)) for path in sorted((root / DOCS).rglob("*.md"))]
    needed: dict[str, None] = {}
    while pages:
        page = pages.pop()
        for target in link_targets(root, page, text_of(root, page)):
            if not target.startswith(f"{DOCS}/") and target not in needed and target != DOCS:
                needed[target] = None
                if is_page(root, target):
                    pages.append(target)
    files = [file for path in needed if (root / path).is_dir() for file in files_in(root, path)]
    return sorted({*needed, *files})


def is_page(root: Path, path: str) -> bool:
    return path.endswith(".md") or (root / path).is_dir()


def files_in(root: Path, folder: str) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in (root / folder).iterdir() if path.is_file())


def text_of(root: Path, path: str) -> str:
    """Return the Markdown of a page; for a folder, a list of its files."""
    if (root / path).is_dir():
        names = [posixpath.basename(file) for file in files_in(root, path)]
        return f"# {path}\n\n" + "".join(f"- [{name}]({posixpath.basename(path)}/{name})\n" for name in names)
    return (root / path).read_text(encoding="utf-8")


def relinked(root: Path, page: str, text: str) -> str:
    """Return the page of a repository's path with its links as the site has them."""
    here = posixpath.dirname(site_path(root, page))

    def link(found: re.Match[str]) -> str:
        target = resolve(root, page, found[0])
        return posixpath.relpath(site_path(root, target), here or ".") if target else found[0]

    fences = FENCED.findall(text)
    parts = FENCED.split(text)
    linked = [HTML_OF_A_TABLE.sub(r"<\1 markdown", LINK.sub(link, part)) for part in parts]
    return "".join(part + fence for part, fence in zip(linked, [*map(indented, fences), ""], strict=True))


def indented(fence: str) -> str:
    """Return a block of code as MkDocs wants it: within a list by four columns, where GitHub takes three."""
    return re.sub(r"^(?=   )", " ", fence, flags=re.MULTILINE) if fence.startswith("   `") else fence


# ── Names ───────────────────────────────────────────────────────────────────────────────────────────────


def anchor(heading: str, separator: str = "-") -> str:
    """Return the anchor that GitHub gives a heading, so that a link works on both."""
    plain = re.sub(r"[^\w\- ]", "", unescape(MARKUP.sub("", heading)).lower())
    return plain.strip().replace(" ", separator)


def expanded(root: Path, nav: Any) -> Any:
    """Return `nav` with the files of a pattern in its place, sorted by name."""
    if isinstance(nav, dict):
        return {title: expanded(root, entries) for title, entries in nav.items()}
    if isinstance(nav, list):
        return [one for entry in nav for one in files_of(root, entry)]
    return nav


def files_of(root: Path, entry: Any) -> list[Any]:
    if isinstance(entry, str) and "*" in entry:
        docs = root / DOCS
        return [str(path.relative_to(docs)) for path in sorted(docs.glob(entry))]
    return [expanded(root, entry)]


# ── The hook: MkDocs calls these by their names ─────────────────────────────────────────────────────────


def on_config(config: Any) -> Any:
    """Expand `nav`, and let MkDocs name anchors and draw diagrams as GitHub does."""
    from pymdownx.superfences import fence_code_format

    config.nav = expanded(root_of(config), config.nav)
    config.mdx_configs.setdefault("toc", {})["slugify"] = anchor
    config.mdx_configs.setdefault("pymdownx.superfences", {})["custom_fences"] = [
        {"name": "mermaid", "class": "mermaid", "format": fence_code_format}
    ]
    return config


def on_files(files: Any, config: Any) -> Any:
    """Add what pages link to outside docs/."""
    from mkdocs.structure.files import File

    root = root_of(config)
    for path in linked_outside(root):
        place = site_path(root, path)
        if is_page(root, path):
            files.append(File.generated(config, place, content=text_of(root, path)))
        else:
            files.append(File.generated(config, place, abs_src_path=str(root / path)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Let the links of a page lead where the site has their targets."""
    del files
    path = page.file.src_uri
    folder = path.startswith(f"{OUTSIDE}/") and path.endswith("/index.md")
    return relinked(
        root_of(config), repository_path(path.removesuffix("/index.md") if folder else path), markdown
    )


def root_of(config: Any) -> Path:
    return Path(config.docs_dir).parent
