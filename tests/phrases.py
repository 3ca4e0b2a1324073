"""Phrases that the library says, found where they stand in its code: for the catalogues and for the tests of them."""

import ast
import re
from collections.abc import Iterator

from jinja2 import Environment
from jinja2.ext import extract_from_ast

from analysis.language.labels import LANGUAGES

# Which arguments of a call are phrases, and which one is a noun that is counted.
SAYS = {"say": slice(0, 2), "captioned": slice(2, None), "threat": slice(None), "Text": slice(0, 1)}
SAYS |= {"StudyError": slice(0, 1), "RepeatedRowsError": slice(0, 1), "refuse": slice(2, 4), "look": slice(2, 4)}
SAYS |= {
    "_note": slice(3, 4),
    "_missing_note": slice(2, 3),
    "named_rows": slice(1, 2),
    "_check_language": slice(1, 2),
    "opening": slice(1, 2),
}
FIRST = ("say", "captioned", "threat")
TRANSLATED = {"messages", "language", "reading", "study", "report", "regression", "inference", "effects", "design"}
TRANSLATED |= {"presentation", "robustness", "simulation"}
"""Rooms whose errors are translated too."""
COUNTS = {"refuse": 1, "look": 1, "count": 1, "_note": 2, "named_rows": 0, "counted": 2}


def assigned(module: ast.Module) -> dict[str, list[ast.expr]]:
    """What each name of a module is set to, wherever that is."""
    found: dict[str, list[ast.expr]] = {}
    for node in ast.walk(module):
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                both = isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple)
                pairs = zip(target.elts, node.value.elts, strict=True) if both else [(target, node.value)]
                for name, value in pairs:
                    found.setdefault(getattr(name, "id", ""), []).append(value)
    return found


def phrases_of(node: ast.AST, names: dict[str, list[ast.expr]]) -> set[str]:
    """What an argument may be: a text, a choice between texts, or a name or dictionary that holds some."""
    match node:
        case ast.Constant(value=str(text)):
            return {text}
        case ast.IfExp(body=one, orelse=other):
            return phrases_of(one, names) | phrases_of(other, names)
        case ast.Dict(values=values):
            return set().union(*(phrases_of(value, names) for value in values))
        case ast.Subscript(value=whole):
            return phrases_of(whole, names)
        case ast.Name(id=name):
            others = {other: values for other, values in names.items() if other != name}
            return set().union(*(phrases_of(value, others) for value in names.get(name, [])))
    return set()


def calls(module: ast.Module) -> Iterator[tuple[str, ast.Call]]:
    """Each call with the name of what is called."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call):
            yield getattr(node.func, "id", getattr(node.func, "attr", "")), node


def said(source: str, *, errors: bool = True) -> set[str]:
    """Phrases that a module says: what `say`, `Text`, `StudyError`, `refuse` and the like are given."""
    module, found = ast.parse(source), set()
    names = assigned(module)
    for name, call in calls(module):
        given = call.args[SAYS[name]] if name in SAYS and (errors or name in FIRST) else []
        found |= set().union(*(phrases_of(argument, names) for argument in given))
    return found - {*LANGUAGES, ""}


def counted_nouns(source: str) -> set[str]:
    """Nouns that a module counts."""
    module, found = ast.parse(source), set()
    names = assigned(module)
    for name, call in calls(module):
        if name in COUNTS and len(call.args) > COUNTS[name]:
            found |= phrases_of(call.args[COUNTS[name]], names)
    return found


def strings(source: str) -> set[str]:
    """Every text in a module."""
    nodes = ast.walk(ast.parse(source))
    return {one.value for one in nodes if isinstance(one, ast.Constant) and isinstance(one.value, str)}


def in_template(text: str) -> set[str]:
    """Phrases that a template of the report says."""
    found = extract_from_ast(Environment().parse(text), ["say"], babel_style=False)
    return {phrase for _, _, (phrase,) in found}


NUMBER = re.compile(r"\d(?:[\d,.]*\d)?")
QUOTED = re.compile(r"'([^']+)'")
# Four English words in a row; code, names and units stand alone or behind signs.
ENGLISH = re.compile(r"(?<![\w.=\[(\"])(?:[A-Za-z]{2,}[ ,;:.]+){3,}[A-Za-z]{2,}")


def unfaithful(english: str, chinese: str) -> list[str]:
    """What of a message is lost in its Chinese, or is still English there."""
    lost = {*NUMBER.findall(english)} ^ {*NUMBER.findall(chinese)}
    lost |= {name for name in QUOTED.findall(english) if name not in chinese}
    return sorted(lost) + ENGLISH.findall(re.sub(r'"[^"]*"|“[^”]*”', "", chinese))
