"""What every notebook keeps to, and proof that each rule is noticed when it is broken."""

import ast
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote, urlparse

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from notebook_text import code_cells, headings, markdown_tokens, output_texts, prose

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
IMPORT = re.compile(r"(from|import) ")
LONGEST_CELL, MOST_CELLS = 10, 15
LAST_SECTION = "What this does not show"
EXAMPLE, INVENTED = re.compile(r"data/example|\bEXAMPLE\b"), ("invented", "虚构")
SHOWS_NOTHING = {"use_style"}
MACHINE_PATH = re.compile(r"(?<![\w.:/])/(home|root|tmp|Users|var|srv|mnt|opt)/|\b[A-Z]:\\|site-packages|ipykernel_\d")
ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}")
CONVENTION = re.compile(
    r"\b\d+\s?(%|per cent) (confidence|interval|level|test|band)|(§|[Ss]ection|[Tt]able|[Ff]igure|Python) ?\d+(\.\d+)*"
)
TYPED_RESULT = re.compile(
    r"\d\.\d|\d\s?(%|‰|percent|per cent)|\bp(-value)?\s*[=<>≤≥≈]\s*[\d.]+|\d\s?(CNY|yuan|元|万元|log points)|\d,\d{3}"
)

Problems = list[str]


def is_valid(notebook: NotebookNode, _path: Path) -> Problems:
    """The file keeps to the notebook format."""
    try:
        nbformat.validate(notebook)
    except nbformat.ValidationError as error:
        return [str(error).splitlines()[0]]
    return []


def was_run_in_order(notebook: NotebookNode, _path: Path) -> Problems:
    """Cells were run 1..n from a fresh kernel, and none is empty."""
    counts = [cell.execution_count for _, cell in code_cells(notebook)]
    expected = list(range(1, len(counts) + 1))
    return [] if counts and counts == expected else [f"cells were run as {counts}, not {expected}"]


def shows_its_values(notebook: NotebookNode, _path: Path) -> Problems:
    """A cell that ends in a value shows it."""
    return [
        f"cell {n} ends in an expression but shows nothing; store its output, assign it or end it with ';'"
        for n, cell in code_cells(notebook)
        if not cell.outputs and _ends_in_value(cell.source)
    ]


def _ends_in_value(source: str) -> bool:
    statements = ast.parse(source).body
    if not statements or not isinstance(statements[-1], ast.Expr) or source.rstrip().endswith(";"):
        return False
    value = statements[-1].value
    return not (isinstance(value, ast.Call) and ast.unparse(value.func) in SHOWS_NOTHING)


def has_no_errors(notebook: NotebookNode, _path: Path) -> Problems:
    """No stored output is an error or was written to stderr."""
    return [
        f"cell {n} stores {output.get('name', 'an error')}: {output.get('text', output.get('evalue'))}"
        for n, cell in code_cells(notebook)
        for output in cell.outputs
        if output.output_type == "error" or output.get("name") == "stderr"
    ]


def names_no_machine(notebook: NotebookNode, _path: Path) -> Problems:
    """Neither sources nor outputs hold a path of one machine or a memory address."""
    texts = [(n, cell.source) for n, cell in enumerate(notebook.cells, start=1)]
    texts += [(n, text) for n, cell in code_cells(notebook) for _, text in output_texts(cell)]
    found = ((n, pattern.search(text)) for n, text in texts for pattern in (MACHINE_PATH, ADDRESS))
    return [f"cell {n} holds {match.group()!r}" for n, match in found if match]


def has_plain_metadata(notebook: NotebookNode, _path: Path) -> Problems:
    """No times, versions or kernel names that differ between machines."""
    problems = [
        f"cell {n} stores {key} metadata"
        for n, cell in enumerate(notebook.cells, start=1)
        for key in ("execution", "papermill")
        if key in cell.metadata
    ]
    problems += [f"metadata {key}" for key in set(notebook.metadata) - {"kernelspec", "language_info"}]
    if notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        problems.append("the kernel is not python3")
    if "version" in notebook.metadata.get("language_info", {}):
        problems.append("the version of Python is stored")
    return problems


def has_one_title(notebook: NotebookNode, path: Path) -> Problems:
    """The only first-level heading opens the first cell, with the notebook's number, by which other pages name it."""
    titles = [(n, title) for n, tokens in markdown_tokens(notebook) for title in headings(tokens, "h1")]
    opens = notebook.cells[0].cell_type == "markdown" and notebook.cells[0].source.startswith(
        f"# {int(path.stem[:2])}. "
    )
    return [] if opens and len(titles) == 1 else [f"first-level headings: {titles}, expected one, first in cell 1"]


def defines_nothing(notebook: NotebookNode, _path: Path) -> Problems:
    """Functions, decisions and sentences put together belong in the library."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Try, ast.If, ast.IfExp, ast.Raise, ast.JoinedStr)
    named = (ast.Assign, ast.AnnAssign, ast.NamedExpr)
    return [
        f"cell {n} defines or decides something in line {node.lineno}; move it to the library"
        for n, cell in code_cells(notebook)
        for node in ast.walk(ast.parse(cell.source))
        if isinstance(node, kinds) or (isinstance(node, named) and isinstance(node.value, ast.Lambda))
    ]


def types_no_results(notebook: NotebookNode, _path: Path) -> Problems:
    """Decimals, percentages and p-values in prose come from code, where they are checked."""
    matches = ((n, TYPED_RESULT.search(CONVENTION.sub(" ", prose(tokens)))) for n, tokens in markdown_tokens(notebook))
    return [f"cell {n} types {match.group()!r}; let code write it" for n, match in matches if match]


def is_in_readme(_notebook: NotebookNode, path: Path) -> Problems:
    """The README lists the notebook by its file name."""
    readme = (path.parents[1] / "README.md").read_text(encoding="utf-8")
    return [] if path.name in readme else [f"README.md does not list {path.name}"]


def has_working_links(notebook: NotebookNode, path: Path) -> Problems:
    """Links without a host lead to files of the project."""
    targets = (
        (n, str(child.attrGet("href") or child.attrGet("src") or ""))
        for n, tokens in markdown_tokens(notebook)
        for token in tokens
        for child in token.children or ()
        if child.type in ("link_open", "image")
    )
    return [
        f"cell {n} links to {target}, which is not there"
        for n, target in targets
        if not urlparse(target).scheme and not (path.parent / unquote(target.partition("#")[0])).exists()
    ]


def has_short_cells(notebook: NotebookNode, _path: Path) -> Problems:
    """A code cell is read at a glance; lines that import are not counted, since nobody reads their names in order."""
    steps = (
        (n, [line for line in cell.source.splitlines() if not IMPORT.match(line)]) for n, cell in code_cells(notebook)
    )
    lengths = [(n, len(lines)) for n, lines in steps]
    many = [f"{len(lengths)} code cells, at most {MOST_CELLS}"] * (len(lengths) > MOST_CELLS)
    return many + [
        f"cell {n} has {length} lines, at most {LONGEST_CELL}" for n, length in lengths if length > LONGEST_CELL
    ]


def says_its_provenance(notebook: NotebookNode, path: Path) -> Problems:
    """Everything drawn from a simulated study says so, from the example that it is invented; real data: published."""
    study = tomllib.loads((path.parents[1] / "data" / "study.toml").read_text(encoding="utf-8"))
    sources = [cell.source for _, cell in code_cells(notebook)]
    words = INVENTED if any(EXAMPLE.search(source) for source in sources) else (study.get("provenance"), "published")
    if words[0] in (None, "yours") or not any("load_study(" in source for source in sources):
        return []
    return [
        f"cell {n} shows {kind} that does not say {words[0]!r}"
        for n, cell in code_cells(notebook)
        for kind, text in _shown_to_readers(cell)
        if not set(words) & set(re.findall(r"[a-z]+|虚构", text.lower()))
    ]


def _shown_to_readers(cell: NotebookNode) -> Iterator[tuple[str, str]]:
    yield from ((kind, text) for kind, text in output_texts(cell) if kind in ("text/html", "text/markdown", "stdout"))
    if any("image/png" in output.get("data", {}) for output in cell.outputs):
        yield "a figure", " ".join(text for _, text in output_texts(cell) if "Axes: " in text)


def has_a_title_a_figure(notebook: NotebookNode, _path: Path) -> Problems:
    """No two figures of a page have one title."""
    shown = [text for _, cell in code_cells(notebook) for _, text in output_texts(cell) if "Axes: title=" in text]
    titles = re.findall(r"title=(\{.*?\})", " ".join(shown))
    return [f"{title} stands above several figures" for title in {*titles} if titles.count(title) > 1]


def ends_with_limits(notebook: NotebookNode, _path: Path) -> Problems:
    """The last section says what the notebook does not show."""
    sections = [title for _, tokens in markdown_tokens(notebook) for title in headings(tokens, "h2")]
    last = sections[-1] if sections else None
    return [] if last == LAST_SECTION else [f"the last section is {last!r}, not {LAST_SECTION!r}"]


Rule = Callable[[NotebookNode, Path], Problems]
RULES: tuple[Rule, ...] = (
    is_valid,
    was_run_in_order,
    shows_its_values,
    has_no_errors,
    names_no_machine,
    has_plain_metadata,
    has_one_title,
    defines_nothing,
    types_no_results,
    is_in_readme,
    has_working_links,
    has_short_cells,
    says_its_provenance,
    has_a_title_a_figure,
    ends_with_limits,
)
by_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS, "notebooks/ holds no notebook"


@by_rule
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_keeps_to(rule: Rule, path: Path) -> None:
    assert rule(nbformat.read(path, as_version=4), path) == []


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where a notebook would lie in a project that has what its links and rules need."""
    for folder in ("notebooks", "data"):
        (tmp_path / folder).mkdir()
    (tmp_path / "README.md").write_text("[gap](notebooks/03-gap.ipynb)", encoding="utf-8")
    (tmp_path / "data" / "study.toml").write_text('provenance = "simulated"', encoding="utf-8")
    return tmp_path / "notebooks" / "03-gap.ipynb"


def result(count: int | None, **data: str) -> NotebookNode:
    """An execute_result; keywords name kinds of data without slashes."""
    kinds = {"html": "text/html", "markdown": "text/markdown", "plain": "text/plain", "png": "image/png"}
    return new_output("execute_result", execution_count=count, data={kinds[key]: value for key, value in data.items()})


def good_notebook() -> NotebookNode:
    """A notebook without fault, built anew for each test."""
    opening = (
        "# 3. Did the gap move?\n\n25 villages, 450 households, 2016-2024, `0.05`, $p = 0.05$, a 95 % interval,\n"
        "see Section 2.1 of [doi 10.1000/1.5](https://doi.org/10.1000/1.5) and [the data](../data/study.toml).\n\n"
        "```\n# 12.5 % in a listing is no heading and no prose\n```"
    )
    drawing = "<Axes: title={'left': 'The gap (simulated data)'}>"
    cells = [
        new_markdown_cell(opening),
        new_code_cell("from analysis import load_study, use_style\n\nuse_style()", execution_count=1),
        new_code_cell("study = load_study()", execution_count=2),
        new_code_cell(
            "table", execution_count=3, outputs=[result(3, html="<table>Simulated</table>", plain="Simulated")]
        ),
        new_code_cell(
            "draw(table)",
            execution_count=4,
            outputs=[
                result(4, plain=drawing),
                new_output("display_data", data={"image/png": "QUJD/tmp/", "text/plain": "<Figure size 10x10>"}),
            ],
        ),
        new_code_cell("sentence", execution_count=5, outputs=[result(5, markdown="**0.4**, simulated", plain="-")]),
        new_markdown_cell(f"## {LAST_SECTION}\n\nCause."),
    ]
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}, "language_info": {"name": "python"}}
    return new_notebook(cells=cells, metadata=metadata)


@by_rule
def test_good_notebook_passes(rule: Rule, place: Path) -> None:
    assert rule(good_notebook(), place) == []


def in_code(source: str) -> Callable[[NotebookNode], None]:
    """Put a line into the source of a code cell that shows nothing."""
    return lambda notebook: notebook.cells[2].update(source=source)


def in_prose(text: str) -> Callable[[NotebookNode], None]:
    """Add a text to the last Markdown cell."""
    return lambda notebook: notebook.cells[-1].update(source=notebook.cells[-1].source + f"\n\n{text}")


def in_outputs(place: int, *outputs: NotebookNode) -> Callable[[NotebookNode], None]:
    """Replace the outputs of a cell."""
    return lambda notebook: notebook.cells[place].update(outputs=list(outputs))


@pytest.mark.parametrize("label", ["Invented data", "虚构数据"])
def test_the_example_may_say_invented_in_either_language(label: str, place: Path) -> None:
    text = nbformat.writes(good_notebook()).replace("load_study()", "load_study(EXAMPLE)")
    text = re.sub("simulated data|simulated", label, text, flags=re.IGNORECASE)
    assert says_its_provenance(nbformat.reads(text, as_version=4), place) == []


# The home of somebody on some machine, put together so that no such path stands in this file.
ANN = ("", "home", "ann")
BREACHES: tuple[tuple[Rule, str, Callable[[NotebookNode], object]], ...] = (
    (is_valid, "unknown cell type", lambda notebook: notebook.cells[0].update(cell_type="unknown")),
    (was_run_in_order, "never run", lambda notebook: notebook.cells[2].update(execution_count=None)),
    (was_run_in_order, "run twice", lambda notebook: notebook.cells[2].update(execution_count=7)),
    (was_run_in_order, "empty cell", lambda notebook: notebook.cells.append(new_code_cell(""))),
    (was_run_in_order, "no code", lambda notebook: notebook.update(cells=notebook.cells[:1])),
    (shows_its_values, "stripped table", in_outputs(3)),
    (shows_its_values, "stripped figure", in_outputs(4)),
    (shows_its_values, "stripped call", in_code("study.frame.head()")),
    (has_no_errors, "stderr", in_outputs(2, new_output("stream", name="stderr", text="UserWarning"))),
    (has_no_errors, "error", in_outputs(2, new_output("error", ename="ZeroDivisionError", evalue="1/0"))),
    (names_no_machine, "path in source", in_code(f"pd.read_csv('{'/'.join(ANN)}/panel.csv')")),
    (names_no_machine, "path in prose", in_prose("See C:" + "\\".join(["", "Users", "ann."]))),
    (names_no_machine, "path in output", in_outputs(2, new_output("stream", text="lib/site-packages/a.py"))),
    (names_no_machine, "address", in_outputs(2, result(3, plain="<Line2D at 0x7f1c2a3b4c5d>"))),
    (has_plain_metadata, "times", lambda notebook: notebook.cells[2].metadata.update(execution={"x": "2026"})),
    (has_plain_metadata, "papermill", lambda notebook: notebook.metadata.update(papermill={})),
    (has_plain_metadata, "kernel", lambda notebook: notebook.metadata.kernelspec.update(name="conda-env-mine")),
    (has_plain_metadata, "version", lambda notebook: notebook.metadata.language_info.update(version="3.11.7")),
    (has_one_title, "no number", lambda notebook: notebook.cells[0].update(source="# Did the gap move?")),
    (has_one_title, "two titles", in_prose("# Another")),
    (has_one_title, "no title", lambda notebook: notebook.cells[0].update(source="## Small")),
    (has_one_title, "title later", lambda notebook: notebook.cells.insert(0, new_markdown_cell("Before"))),
    (defines_nothing, "def", in_code("def gap(x):\n    return x")),
    (defines_nothing, "class", in_code("class Gap:\n    pass")),
    (defines_nothing, "lambda", in_code("gap = lambda x: x")),
    (defines_nothing, "try", in_code("try:\n    x = 1\nexcept ValueError:\n    x = 2")),
    (defines_nothing, "if", in_code("x = 1 if y else 2")),
    (defines_nothing, "raise", in_code("raise ValueError")),
    (defines_nothing, "sentence", in_code('x = f"{y}"')),
    (types_no_results, "decimal", in_prose("The gap was 0.43.")),
    (types_no_results, "decimal in a table", in_prose("| gap |\n| --- |\n| 12.5 |")),
    (types_no_results, "percentage", in_prose("Income rose by 12 % in 2023.")),
    (types_no_results, "large number", in_prose("The effect is 49,028.")),
    (types_no_results, "amount", in_prose("The effect is 49028 yuan.")),
    (types_no_results, "p-value", in_prose("It was significant, p < 1/20.")),
    (is_in_readme, "not listed", lambda notebook: None),
    (has_working_links, "dead link", in_prose("[more](04-nowhere.ipynb)")),
    (has_working_links, "dead picture", in_prose("![map](map.png)")),
    (has_short_cells, "long cell", in_code("x = 1\n" * (LONGEST_CELL + 1))),
    (has_short_cells, "many cells", lambda notebook: notebook.cells.extend([new_code_cell("x = 1")] * MOST_CELLS)),
    (says_its_provenance, "table", in_outputs(3, result(3, html="<table></table>"))),
    (says_its_provenance, "figure", in_outputs(4, new_output("display_data", data={"image/png": "QUJD"}))),
    (says_its_provenance, "title", in_outputs(4, result(4, plain="<Axes: >", png="QUJD"))),
    (says_its_provenance, "sentence", in_outputs(5, result(5, markdown="**0.4**"))),
    (says_its_provenance, "print", in_outputs(5, new_output("stream", text="0.4"))),
    (says_its_provenance, "example", in_code('study = load_study(EXAMPLE / "study.toml")')),
    (has_a_title_a_figure, "repeated", lambda notebook: notebook.cells.append(notebook.cells[4])),
    (ends_with_limits, "no limits", lambda notebook: notebook.cells[-1].update(source="## Next")),
)


@pytest.mark.parametrize(("rule", "breach", "spoil"), BREACHES, ids=lambda value: getattr(value, "__name__", value))
def test_breach_is_noticed(rule: Rule, breach: str, spoil: Callable[[NotebookNode], object], place: Path) -> None:
    notebook = good_notebook()
    spoil(notebook)
    if breach == "not listed":
        place = place.with_name("99-other.ipynb")
    assert rule(notebook, place), f"{rule.__name__} misses: {breach}"


def test_every_rule_is_shown_to_fail() -> None:
    assert {rule for rule, _, _ in BREACHES} == set(RULES)
