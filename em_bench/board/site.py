"""The site: pages in, a folder of static files out. It asks nothing of any host and is complete without scripts."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from pathlib import Path, PurePosixPath

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

import em_bench
from em_bench import __version__
from em_bench.board.marks import HEIGHT, TICKS, WIDTH, position
from em_bench.board.page import File, Page
from em_bench.board.plots import gap_position, height_of
from em_bench.board.visible import show_hidden
from em_bench.board.words import points, spelled_count
from em_bench.content import content_folder
from em_bench.errors import Fault, OperatorError
from em_bench.judging.cards import said_lane
from em_bench.results.table import percent, said_rate

__all__ = ["Site", "is_site"]

MANIFEST = "site.json"
"""Marks a folder as a site, and holds the key and the hash of each page, so that a rebuild takes over what it can."""

_ASSETS = ("style.css",)
_SCRIPTS = ("theme", "site")
"""Stand in the pages as they are, so that the policy can name their hashes: the first in all, the other where asked."""


class Site:
    """A folder that holds the site, or will.

    Args:
        out: The folder: new, empty, or a site that is to be replaced.
    """

    def __init__(self, out: Path) -> None:
        self.out = out.absolute()

    def write(
        self,
        pages: Iterable[Page | File],
        report: Callable[[str], None] = lambda text: None,
    ) -> Path:
        """Write all pages and return the first one's path; a build that fails leaves the former site as it was.

        The same pages give the same bytes, whether they are written anew or taken over.

        Args:
            pages: All pages and further files; the first is the page that readers open.
            report: Is told how far it is.

        Raises:
            OperatorError: The folder holds something else than a site.
        """
        former = self._former()
        self.out.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(dir=self.out.parent, prefix=f".{self.out.name}."))
        try:
            first = self._fill(building, pages, former, report)
            self._exchange(building)
        except BaseException:
            shutil.rmtree(building, ignore_errors=True)
            raise
        return self.out / first

    def check(self) -> None:
        """Refuse a folder that holds something else than a site.

        Raises:
            OperatorError: It does.
        """
        is_free = not self.out.exists() or (self.out.is_dir() and not any(self.out.iterdir()))
        if not is_free and not is_site(self.out):
            found = "a file" if not self.out.is_dir() else sorted(path.name for path in self.out.iterdir())[:5]
            raise OperatorError(
                Fault(str(self.out), found, "a new folder, or a site that may be replaced", "Name another with --out.")
            )

    def _former(self) -> dict[str, list[str]]:
        """Return key and hash of each page of the site that stands there, by path."""
        self.check()
        try:
            kept = json.loads((self.out / MANIFEST).read_text("utf-8"))
            return dict(kept["pages"]) if kept["look"] == self._look else {}
        except (OSError, ValueError, KeyError, TypeError):
            return {}

    def _fill(
        self,
        folder: Path,
        pages: Iterable[Page | File],
        former: Mapping[str, list[str]],
        report: Callable[[str], None],
    ) -> str:
        written: dict[str, list[str]] = {}
        n_kept = 0
        for n, page in enumerate(pages, 1):
            if page.path in written:
                raise ValueError(f"two pages at {page.path}")
            target = self._place(folder, page.path)
            kept = self._kept(page, former)
            if kept is not None:
                _link(self.out / page.path, target)
                n_kept += 1
            else:
                target.write_bytes(page.content() if isinstance(page, File) else self._html(page))
            written[page.path] = [page.key, kept or _hash(target)]
            if n % _EVERY == 0:
                report(f"  {n:,} pages")
        for name in _ASSETS:
            shutil.copyfile(content_folder("templates") / name, folder / name)
        manifest = {"em_bench": __version__, "look": self._look, "pages": dict(sorted(written.items()))}
        (folder / MANIFEST).write_text(json.dumps(manifest, indent=0, sort_keys=True), encoding="utf-8")
        report(f"  {len(written):,} pages, {n_kept:,} of them unchanged")
        return next(iter(written), "index.html")

    def _kept(self, page: Page | File, former: Mapping[str, list[str]]) -> str | None:
        """Return the hash of a page that stands there and would come out the same; None for one to be written."""
        key, found = former.get(page.path, ("", ""))
        there = self.out / page.path
        return found if key == page.key and there.is_file() and _hash(there) == found else None

    @staticmethod
    def _place(folder: Path, path: str) -> Path:
        """Return where a file goes, its folder made; nothing may lie outside."""
        parts = PurePosixPath(path).parts
        if not parts or path.startswith("/") or any(part in ("..", ".") or "\\" in part for part in parts):
            raise ValueError(f"{path!r} lies outside the site")
        target = folder.joinpath(*parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    def _exchange(self, building: Path) -> None:
        """Put the new folder in the place of the old one."""
        building.chmod(0o755)
        old = building.with_name(f"{building.name}.old")
        if self.out.exists():
            self.out.rename(old)
        try:
            building.rename(self.out)
        except OSError:
            if old.exists():
                old.rename(self.out)
            raise
        shutil.rmtree(old, ignore_errors=True)

    def _html(self, page: Page) -> bytes:
        """Return a page as UTF-8; halves of surrogate pairs, which models may put out, become question marks."""
        template = self._environment.get_template(page.template)
        return template.render(page.view(), root=page.root, path=page.path).encode("utf-8", "replace")

    @cached_property
    def _look(self) -> str:
        """Return a digest of all but the pages' keys that decides how they come out: templates and code."""
        package = Path(em_bench.__file__).parent
        files = [*sorted(content_folder("templates").iterdir()), *sorted(package.rglob("*.py"))]
        parts = [file.name.encode() + file.read_bytes() for file in files if file.is_file()]
        return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]

    @cached_property
    def _environment(self) -> Environment:
        environment = Environment(
            loader=FileSystemLoader(content_folder("templates")), autoescape=True, undefined=StrictUndefined,
            trim_blocks=True, lstrip_blocks=True, finalize=_visible,
        )  # fmt: skip
        scripts = {name: (content_folder("templates") / f"{name}.js").read_text("utf-8").strip() for name in _SCRIPTS}
        hashes = " ".join(f"'sha256-{_sha256(script)}'" for script in scripts.values())
        policy = (
            f"default-src 'none'; style-src 'self'; img-src 'self'; script-src {hashes}; base-uri 'none'; "
            "form-action 'none'"
        )
        environment.filters |= {"percent": percent, "points": points, "count_of": spelled_count}
        environment.globals |= {
            "said": said_rate, "card": said_lane, "position": position, "height_of": height_of,
            "gap_position": gap_position, "width": WIDTH, "height": HEIGHT, "ticks": TICKS, "version": __version__,
            "policy": Markup(policy),  # noqa: S704
            "script": Markup(scripts["site"]), "theme": Markup(scripts["theme"]),  # noqa: S704
        }  # fmt: skip
        return environment


def is_site(folder: Path) -> bool:
    """Return whether a folder holds a site."""
    return (folder / MANIFEST).is_file()


_EVERY = 1000
"""Pages between two lines of progress."""


def _visible(value: object) -> object:
    """Return what a template prints with hidden characters in it made visible, wherever it came from."""
    return show_hidden(value) if type(value) is str else value


def _sha256(script: str) -> str:
    """Return the hash of a script as a content security policy names it."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _hash(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:32]


def _link(source: Path, target: Path) -> None:
    """Give a page of the former site to the new one; as a copy where folders cannot share a file."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
