"""Word documents to paste from: tables with three rules, as journals print them, and the summary with its figure."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from docx import Document
from docx.document import Document as Written
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt
from docx.table import Table as WordTable
from markdown_it import MarkdownIt
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from analysis.language.labels import say
from analysis.messages import fixed
from analysis.presentation.cells import width
from analysis.report.exports.workbook import forget_time

LATIN, HANZI = "Times New Roman", "宋体"
TEXT_SIZE, TABLE_SIZE = Pt(10), Pt(9)
PAGE = {"page_width": Cm(21), "page_height": Cm(29.7), "left_margin": Cm(2.5), "right_margin": Cm(2.5)}
PAGE |= {"top_margin": Cm(2), "bottom_margin": Cm(2)}
TEXT_WIDTH = FIGURE_WIDTH = Cm(16)
NARROWEST_COLUMN, WIDEST_COLUMN = 6, 60
"""In characters, when columns share the width of the text."""
THICK, THIN = 12, 6
"""Rules in eighths of a point: above and below the table, and below its headings."""
MOST_ROWS = 100
SIDES = {"l": WD_ALIGN_PARAGRAPH.LEFT, "c": WD_ALIGN_PARAGRAPH.CENTER, "r": WD_ALIGN_PARAGRAPH.RIGHT}


def write_tables(path: Path, tables: Mapping[str, Mapping[str, Any]], statement: str, language: str) -> None:
    """Every table with its number and caption above and its note below; the same bytes each time."""
    document = _document()
    document.add_paragraph(_known(statement))
    for number, table in enumerate(tables.values(), start=1):
        caption = say(language, "Table {number}  {caption}", number=number, caption=table["caption"])
        above = document.add_paragraph()
        above.add_run(_known(caption)).bold = True
        above.paragraph_format.keep_with_next = True
        above.paragraph_format.space_before = Pt(14)
        _add(document, table)
        more = len(table["cells"]) - MOST_ROWS
        left = say(language, "… and {number} more rows, in the CSV of this table.", number=fixed(more, 0))
        for below in [left] * (more > 0) + [table["note"]] * bool(table["note"]):
            document.add_paragraph().add_run(_known(below)).font.size = TABLE_SIZE
    document.save(str(path))
    forget_time(path)


def write_text(path: Path, markdown: str, folder: Path) -> None:
    """Headings, paragraphs, lists and pictures of a Markdown text, whose pictures lie in the folder."""
    document = _document()
    styles = {"heading_open": "Heading 1", "bullet_list_open": "List Bullet", "bullet_list_close": "Normal"}
    style = "Normal"
    for token in MarkdownIt("commonmark", {"html": False}).parse(markdown):
        style = styles.get(token.type, style)
        if token.type == "inline":
            paragraph, bold, slanted = document.add_paragraph(style=style), False, False
            for part in token.children or ():
                bold = part.type == "strong_open" or (bold and part.type != "strong_close")
                slanted = part.type == "em_open" or (slanted and part.type != "em_close")
                if part.type == "image":
                    paragraph.add_run().add_picture(str(folder / str(part.attrs["src"])), width=FIGURE_WIDTH)
                elif part.content or part.type == "softbreak":
                    run = paragraph.add_run(_known(part.content or " "))
                    run.bold, run.italic = bold, slanted
        style = "Normal" if token.type == "heading_close" else style
    document.save(str(path))
    forget_time(path)


def _document() -> Written:
    document = Document()
    for name, size in PAGE.items():
        setattr(document.sections[0], name, size)
    document.styles["Normal"].paragraph_format.space_after = Pt(3)
    document.styles["Heading 1"].paragraph_format.space_before = Pt(0)
    for name in ("Normal", "Heading 1"):
        font = document.styles[name].font
        font.name, font.size = LATIN, TEXT_SIZE if name == "Normal" else Pt(14)
        fonts = font.element.get_or_add_rPr().get_or_add_rFonts()
        for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme"):
            fonts.attrib.pop(qn(f"w:{theme}"), None)
        fonts.set(qn("w:eastAsia"), HANZI)
    return document


def _known(text: str) -> str:
    """Without the characters that a document cannot hold."""
    return ILLEGAL_CHARACTERS_RE.sub("", text)


def _add(document: Written, table: Mapping[str, Any]) -> None:
    """A table with rules above, below, and under its headings."""
    rows = [table["headings"], *table["cells"][:MOST_ROWS]]
    made: WordTable = document.add_table(len(rows), len(table["headings"]))
    for at, (row, texts) in enumerate(zip(made.rows, rows, strict=True)):
        rules = {"top": THICK, "bottom": THIN} if at == 0 else {}
        rules |= {"bottom": THICK} if at == len(rows) - 1 else {}
        for cell, text, side in zip(row.cells, texts, table["sides"], strict=True):
            paragraph = cell.paragraphs[0]
            paragraph.alignment = SIDES[side]
            paragraph.paragraph_format.space_after = Pt(0)
            run = paragraph.add_run(_known(text))
            run.font.size = TABLE_SIZE
            _rule(cell, rules)
    for column, share in zip(made.columns, _shares(rows), strict=True):
        column.width = share
        for cell in column.cells:
            cell.width = share
    made.rows[0]._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))


def _shares(rows: list[list[str]]) -> list[int]:
    """The width of each column: as its longest cell or the longest word of its heading asks for."""
    headings, *cells = rows
    words = [max(map(width, heading.split()), default=0) for heading in headings]
    longest = [max(map(width, column), default=0) for column in zip(*cells, strict=True)] or words
    wanted = [
        min(max(word + 3, most, NARROWEST_COLUMN), WIDEST_COLUMN) for word, most in zip(words, longest, strict=True)
    ]
    return [TEXT_WIDTH * one // sum(wanted) for one in wanted]


def _rule(cell: Any, rules: Mapping[str, int]) -> None:
    borders = OxmlElement("w:tcBorders")
    for edge, size in rules.items():
        line = OxmlElement(f"w:{edge}")
        for name, value in {"val": "single", "sz": str(size), "color": "000000"}.items():
            line.set(qn(f"w:{name}"), value)
        borders.append(line)
    cell._tc.get_or_add_tcPr().append(borders)
