"""Phrases that the library says, found where they stand in its code; its catalogue follows them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from babel.messages.pofile import read_po, write_po
from jinja2 import Environment
from jinja2.ext import extract_from_ast

from analysis.language.labels import LANGUAGES
from analysis.language.texts import plural

LIBRARY = Path(__file__).parents[1]
CATALOGUE = LIBRARY / "language" / "locale" / "zh" / "LC_MESSAGES" / "analysis.po"

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
COUNTS = {"refuse": 1, "look": 1, "count": 1, "_note": 2, "named_rows": 0, "counted": 2}


def assigned(module: ast.Module) -> dict[str, list[ast.expr]]:
    """What each name of a module is set to, wherever that is."""
    found: dict[str, list[ast.expr]] = {}
    for node in ast.walk(module):
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                pairs = [(target, node.value)]
                if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                    pairs = [*zip(target.elts, node.value.elts, strict=True)]
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


def said(source: str) -> set[str]:
    """Phrases that a module says: what `say`, `Text`, `StudyError`, `refuse` and the like are given."""
    module, found = ast.parse(source), set()
    names = assigned(module)
    for name, call in calls(module):
        given = call.args[SAYS[name]] if name in SAYS else []
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
    found: Any = extract_from_ast(Environment().parse(text), ["say"], babel_style=False)
    return {phrase for _, _, (phrase,) in found}


def update_messages(catalogue: Path = CATALOGUE) -> Path:
    """Bring the catalogue up to the library: new phrases stay to be translated, of those gone nothing is kept."""
    phrases, nouns, written = in_library()
    with catalogue.open("rb") as file:
        messages = read_po(file, locale="zh")
    for phrase in sorted(phrases):
        messages.add(phrase)
    for noun in sorted(nouns):
        messages.add((f"{{}} {noun}", f"{{}} {plural(noun)}"))
    for phrase in [str(message.id) for message in messages if message.id and not message.pluralizable]:
        if re.search(r"\{\w", phrase) and phrase not in written:
            messages.delete(phrase)
    with catalogue.open("wb") as file:
        write_po(file, messages, width=0, omit_header=True, no_location=True, ignore_obsolete=True)
    return catalogue


def in_library() -> tuple[set[str], set[str], set[str]]:
    """All phrases of the library, the nouns that it counts, and every text that is written in it."""
    sources = [path.read_text(encoding="utf-8") for path in sorted(LIBRARY.rglob("*.py"))]
    templates = [path.read_text(encoding="utf-8") for path in sorted(LIBRARY.rglob("*.jinja"))]
    of_templates: set[str] = set().union(*map(in_template, templates))
    phrases, nouns, written = (set().union(*map(find, sources)) for find in (said, counted_nouns, strings))
    return phrases | of_templates, nouns, written | of_templates
