"""The page's own files, put together with the data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from piqa_cli.report.options import GENERATOR
from piqa_cli.report.policy import content_policy

_LIST, _TEMPLATE = "files.txt", "report.html.jinja"
_ENDS_ELEMENT = ("</script", "<!--", "</style")


@dataclass(frozen=True, slots=True)
class PageFiles:
    """What is the same in every report."""

    css: str
    scripts: tuple[str, ...]
    template: str

    @property
    def weight(self) -> int:
        """Bytes."""
        return sum(len(text.encode()) for text in (self.css, *self.scripts, self.template))


@cache
def page_files() -> PageFiles:
    """Read the template, and the styles and scripts that `page/files.txt` names, in its order.

    Raises:
        ValueError: a script or style that would end its own element: a mistake in piqa, not in the data.
    """
    names = [name for line in _read(_LIST).splitlines() if (name := line.strip())]
    css = "\n".join(_read(name) for name in names if name.endswith(".css"))
    scripts = tuple(_read(name) for name in names if name.endswith(".js"))
    for text in (css, *scripts):
        found = next((end for end in _ENDS_ELEMENT if end in text.lower()), None)
        if found is not None:
            raise ValueError(f"a file of the page holds {found!r}")
    return PageFiles(css, scripts, _read(_TEMPLATE))


def render(**content: object) -> str:
    """The page as text. `content`: title, data, images, count, noscript_rows; all but Markup is escaped."""
    page = page_files()
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(page.template).render(
        generator=GENERATOR,
        # Policy and hashes hold for exactly these texts: they are piqa's own, and nothing of the data is in them.
        csp=Markup(content_policy(page.scripts, page.css)),
        css=Markup(page.css),
        scripts=[Markup(script) for script in page.scripts],
        **content,
    )


def _read(name: str) -> str:
    return (files("piqa_cli.report") / "page").joinpath(*name.split("/")).read_text(encoding="utf-8")
