"""The site of the documentation has every page, links lead where they lead on GitHub, and its workflow is pinned."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.test_docs import HEADING, PAGES, anchors, prose
from tools.docs_site import (
    anchor,
    expanded,
    is_page,
    linked_outside,
    relinked,
    resolve,
    site_path,
    text_of,
)

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
CONFIG = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
WORKFLOW_PATH = ROOT / ".github/workflows/docs.yml"
WORKFLOW = yaml.safe_load(WORKFLOW_PATH.read_text(encoding="utf-8"))
ON_PAGE = re.compile(r"\]\(([^()\s#]+)")
PINNED = re.compile(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v[0-9.]+")

each_page = pytest.mark.parametrize("page", [str(page.relative_to(ROOT)) for page in PAGES])


def leaves(nav: Any) -> list[str]:
    """Return the pages of a `nav`, in its order."""
    if isinstance(nav, str):
        return [nav]
    entries = nav.values() if isinstance(nav, dict) else nav
    return [page for entry in entries for page in leaves(entry)]


def test_every_page_is_in_the_navigation_once() -> None:
    pages = leaves(expanded(ROOT, CONFIG["nav"]))
    assert sorted(pages) == sorted(str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")), (
        "list the page in `nav` of mkdocs.yml"
    )


def test_the_navigation_has_the_five_groups() -> None:
    groups = [title for entry in CONFIG["nav"] if isinstance(entry, dict) for title in entry]
    assert groups == ["Connect", "Operate", "Develop", "Reference", "Decisions"]


def test_links_are_strict() -> None:
    assert CONFIG["strict"] is True
    assert set(CONFIG["validation"]["links"].values()) == {"warn"}
    assert CONFIG["validation"]["nav"]["omitted_files"] == "warn"
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    [check] = re.findall(r"^check:.*\n(?:\t.*\n)*", makefile, re.MULTILINE)
    assert "docs-site" in re.findall(r"[\w-]+", check)
    assert "mkdocs --quiet build --strict" in makefile


@each_page
def test_a_heading_has_the_same_anchor_as_on_github(page: str) -> None:
    path = ROOT / page
    headings = [
        re.sub(r"`", "", heading) for heading in HEADING.findall(prose(path.read_text(encoding="utf-8")))
    ]
    assert {anchor(heading) for heading in headings} == anchors(path)


def test_an_anchor_is_made_of_what_is_shown() -> None:
    assert anchor("<code>user_id</code> &amp; e-mail: whose?") == "user_id--e-mail-whose"


@each_page
def test_every_link_to_the_repository_leads_to_a_file_of_the_site(page: str) -> None:
    on_site = {site_path(ROOT, path) for path in linked_outside(ROOT)}
    on_site |= {str(path.relative_to(DOCS)) for path in DOCS.rglob("*") if path.is_file()}
    here = Path(site_path(ROOT, page)).parent
    for link in ON_PAGE.findall(prose(relinked(ROOT, page, text_of(ROOT, page)))):
        if not re.match(r"[a-z]+:", link):
            target = (Path("/") / here / link).resolve().relative_to("/")
            assert str(target) in on_site, f"{page} links to {link}"


def test_links_out_of_docs_lead_to_copies() -> None:
    text = "[a](../events/shopify/orders.paid.json) [b](../events/shopify) [c](deploy.md#outputs) [d](https://x.y)"
    assert relinked(ROOT, "docs/connect-shopify.md", text) == (
        "[a](repository/events/shopify/orders.paid.json) [b](repository/events/shopify/index.md) "
        "[c](deploy.md#outputs) [d](https://x.y)"
    )
    assert relinked(ROOT, "CHANGELOG.md", "[a](docs/deploy.md)") == "[a](../deploy.md)"


def test_a_folder_becomes_a_list_of_its_files() -> None:
    assert is_page(ROOT, "presets")
    text = text_of(ROOT, "presets")
    assert "- [calendly.json](presets/calendly.json)\n" in text
    assert "(calendly.json)" in relinked(ROOT, "presets", text).replace("repository/presets/", "")


def test_nothing_outside_the_repository_is_brought_in() -> None:
    assert resolve(ROOT, "docs/deploy.md", "../../secret") is None
    assert resolve(ROOT, "docs/deploy.md", "../no-such-file") is None


def test_code_is_left_as_it_is() -> None:
    block = "```js\nlist[0](../events)\n```"
    assert relinked(ROOT, "docs/deploy.md", f"text\n\n{block}\n") == f"text\n\n{block}\n"


# ── The workflow ────────────────────────────────────────────────────────────────────────────────────────


def test_the_workflow_builds_with_make_and_publishes_what_it_built() -> None:
    build, publish = WORKFLOW["jobs"]["build"], WORKFLOW["jobs"]["publish"]
    assert "make docs-site" in [step.get("run") for step in build["steps"]]
    assert build["steps"][-1]["with"]["path"] == CONFIG["site_dir"]
    assert publish["needs"] == "build"
    assert publish["steps"][-1]["uses"].startswith("actions/deploy-pages@")


def test_the_workflow_pins_every_action_to_a_commit() -> None:
    text = WORKFLOW_PATH.read_text(encoding="utf-8")
    used = re.findall(r"uses: (.+)$", text, re.MULTILINE)
    steps = [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]
    assert len(used) == sum("uses" in step for step in steps)
    assert all(PINNED.fullmatch(one) for one in used), f"pin each to a commit: {used}"


def test_only_publishing_may_write() -> None:
    assert WORKFLOW["permissions"] == {"contents": "read"}
    granted = {name: job.get("permissions") for name, job in WORKFLOW["jobs"].items()}
    assert granted == {"build": None, "publish": {"pages": "write", "id-token": "write"}}
    assert WORKFLOW["jobs"]["build"]["steps"][0]["with"]["persist-credentials"] is False
