"""Sphinx extension of the report: formulas as MathML, links out of the notebooks' folder, one style sheet."""

import re
from pathlib import Path
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

STATIC = Path(__file__).parent / "static"


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension; Sphinx calls this."""
    app.add_html_math_renderer("mathml", (_inline_math, None), (_display_math, None))
    app.connect("doctree-read", _drop_outside_links)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _inline_math(writer: Any, node: nodes.math) -> None:
    writer.body.append(_mathml(writer, node, "inline"))
    raise nodes.SkipNode


def _display_math(writer: Any, node: nodes.math_block) -> None:
    writer.body.append(f'<div class="display-math">{_mathml(writer, node, "block")}</div>')
    raise nodes.SkipNode


def _mathml(writer: Any, node: nodes.Element, display: str) -> str:
    latex = node.astext().strip()
    try:
        mathml = convert(latex.replace("{aligned}", "{align*}"), display=display)
    except Exception as error:
        raise _bad_formula(writer, latex, type(error).__name__) from error
    unknown = re.search(r">(\\[^<]+|&)<", mathml)
    if unknown:
        raise _bad_formula(writer, latex, f"{unknown.group(1)} is not known")
    return mathml


def _bad_formula(writer: Any, latex: str, reason: str) -> ExtensionError:
    page = writer.builder.current_docname
    return ExtensionError(f"{page}: the formula {latex!r} cannot be set ({reason}). Write it with simpler commands.")


def _drop_outside_links(_app: Sphinx, doctree: nodes.document) -> None:
    """Show ``../data/README.md`` as text: a report that is mailed or moved has no such folder beside it."""
    for link in list(doctree.findall(pending_xref)):
        target = link.get("reftarget", "")
        if link["reftype"] == "myst" and target.startswith("../"):
            link.replace_self(link.children)
