"""Checks the built site's links without a browser: every address and anchor exists, nothing is loaded from elsewhere.

python docs/tools/links.py SITE
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

HOST = "https://site.test/"
_LOADED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}
_NOT_LOADED = {"canonical", "next", "prev"}


@dataclass
class Page(HTMLParser):
    """What a page links to, loads, and can be linked to at."""

    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Start the parser."""
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take down links, anchors and resources."""
        found = {name: value or "" for name, value in attrs}
        self.anchors.update(found[name] for name in ("id", "name") if name in found)
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if tag in _LOADED and _LOADED[tag] in found and found.get("rel") not in _NOT_LOADED:
            self.loads.append(found[_LOADED[tag]])


def read(path: Path) -> Page:
    """Parse one page."""
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def problems_of(site: Path) -> Iterator[str]:
    """What is wrong with the links of a site."""
    pages = {path: read(path) for path in sorted(site.rglob("*.html"))}
    for path, page in pages.items():
        if path.name == "404.html":
            continue
        here = HOST + str(path.relative_to(site)).removesuffix("index.html")
        for link in [*page.links, *page.loads]:
            address = urljoin(here, link)
            if not address.startswith(HOST):
                if link in page.loads:
                    yield f"{path.relative_to(site)}: loads {link}"
                continue
            target = _file_of(site, urlsplit(address).path)
            anchor = unquote(urlsplit(address).fragment)
            if not target.exists():
                yield f"{path.relative_to(site)}: {link} does not exist"
            elif anchor and anchor not in pages[target].anchors | {"__skip"}:
                yield f"{path.relative_to(site)}: {link} has no such anchor"


def _file_of(site: Path, address: str) -> Path:
    path = site / unquote(address).lstrip("/")
    return path / "index.html" if address.endswith("/") else path


def main() -> int:
    """Run from the command line."""
    problems = list(problems_of(Path(sys.argv[1])))
    sys.stdout.write("".join(f"{problem}\n" for problem in problems))
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
