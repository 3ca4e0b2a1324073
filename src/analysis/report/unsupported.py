"""What a study cannot support: said in the place of the step, and counted for the title page."""

import ast
from collections.abc import Mapping
from html import escape
from symtable import SymbolTable, symtable

from nbformat import NotebookNode
from nbformat.v4 import new_output

from analysis.messages import count

MARK = "unsupported"
TITLE = "This study cannot support this step"
LEFT_OUT = "Not run: it builds on a step above that this study cannot support."


def names(source: str) -> tuple[set[str], set[str]]:
    r"""
    Names that a cell needs from the cells above it, and names that it leaves to those below.

    A cell that changes a part of something (``table["share"] = ...``) both needs and leaves it.

    Examples
    --------
    >>> needed, left = names("x = 1\ntable['share'] = [x + y for y in rows]")
    >>> sorted(needed), sorted(left)
    (['rows', 'table'], ['table', 'x'])
    """
    needed: set[str] = set()
    left: set[str] = set()
    for statement in ast.parse(source).body:
        top = symtable(ast.unparse(statement), "a cell", "exec")
        needed |= (_read(top) | _added_to(statement)) - left
        left |= {one.get_name() for one in top.get_symbols() if one.is_assigned() or one.is_imported()}
        left |= _changed(statement)
    return needed, left


def _read(scope: SymbolTable) -> set[str]:
    """Global names that are read in a scope or in one inside it, such as a comprehension."""
    read = {one.get_name() for one in scope.get_symbols() if one.is_referenced() and one.is_global()}
    return read.union(*map(_read, scope.get_children()))


def _added_to(statement: ast.stmt) -> set[str]:
    targets = [node.target for node in ast.walk(statement) if isinstance(node, ast.AugAssign)]
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _changed(statement: ast.stmt) -> set[str]:
    """Names of which an item or an attribute is set."""
    stored = (
        node
        for node in ast.walk(statement)
        if isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store)
    )
    return {node.value.id for node in stored if isinstance(node.value, ast.Name)}


def say_unsupported(cell: NotebookNode, message: str) -> None:
    """Put the reason in the place of a cell's error."""
    _say(cell, message, f'<p class="admonition-title">{TITLE}</p><p>{escape(message)}</p>')


def say_left_out(cell: NotebookNode) -> None:
    """Say of a cell that was not run that it builds on an unsupported one."""
    _say(cell, "", f"<p>{LEFT_OUT}</p>")


def _say(cell: NotebookNode, message: str, html: str) -> None:
    cell.metadata[MARK] = message
    text = f"{TITLE}: {message}" if message else LEFT_OUT
    data = {"text/html": f'<div class="admonition warning {MARK}">{html}</div>', "text/plain": text}
    cell.outputs = [new_output("display_data", data=data)]


def unsupported_steps(pages: Mapping[str, NotebookNode]) -> dict[str, list[str]]:
    """By page with any: for each step left out the reason, empty where it only builds on another one."""
    found = {
        name: [cell.metadata[MARK] for cell in notebook.cells if MARK in cell.metadata]
        for name, notebook in pages.items()
    }
    return {name: reasons for name, reasons in found.items() if reasons}


def unsupported_html(steps: Mapping[str, list[str]]) -> str:
    """List for the title page what the study cannot support, page by page; nothing where it supports all."""
    if not steps:
        return ""
    items = "".join(_page_item(name, reasons) for name, reasons in steps.items())
    number = count(sum(map(len, steps.values())), "step")
    return (
        f'<div class="admonition warning {MARK}"><p class="admonition-title">What this study cannot support</p>'
        f"<p>{number} of the pages below could not be made from this study; each page says so in their place.</p>"
        f"<ul>{items}</ul></div>"
    )


def _page_item(name: str, reasons: list[str]) -> str:
    builds = reasons.count("")
    also = f"<li>{count(builds, 'more step')} on top of these</li>" if builds else ""
    said = "".join(f"<li>{escape(reason)}</li>" for reason in dict.fromkeys(filter(None, reasons)))
    return f'<li><a href="{name}.html">{name}</a><ul>{said}{also}</ul></li>'
