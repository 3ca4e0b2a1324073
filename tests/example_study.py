"""Write data/example/: a small invented study, as a workbook and in GB18030, and copies of it with errors.

Run ``python tests/example_study.py`` from the project's folder after a change.
"""

import re
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import numpy as np
import pandas as pd
from openpyxl import Workbook

FOLDER = Path(__file__).resolve().parents[1] / "data" / "example"
WORKBOOK, GB18030 = "invented-数据.xlsx", "invented-数据-gb18030.csv"
SEED = 2023
YEARS = range(2018, 2024)
FIRST_TREATED = 2021
EFFECT = 3.0  # 万元, in every treated year
VILLAGES_PER_GROUP, GROUPS, TREATED = 5, 6, 3
COLUMNS = {
    "村代码": (
        "文本格式；此处为虚构（真实代码不以99开头）",
        "Code of the village, as text. Invented: no real code begins with 99.",
    ),
    "村名": ("仅供阅读，不参与计算", "Name, for you to read; not used."),
    "乡镇": ("所在乡镇或街道", "Town or subdistrict."),
    "年份": ("如2023，不是日期", "Year, such as 2023: no date."),
    "片区": (
        "所属片区；区外村填可比分组，或全部留空",
        "District, or for villages outside a comparable group, or empty for all of them.",
    ),
    "加入年份": ("首个加入年份；从未加入的村留空", "First year in the district; empty for villages that never joined."),
    "村集体经济收入": ("总收入，万元", "Total income (总收入) of the village collective, 万元."),
    "经营收益": ("经营收益，万元", "Operating surplus (经营收益) of the village collective, 万元."),
    "户数": ("年末户籍户数", "Households registered at the end of the year."),
}
NOTES = [
    (
        "以下数据全部为虚构，仅作示例，请换成您的数据。",
        "All villages and numbers of this workbook are invented. Replace them by yours.",
    ),
    (
        '每村每年一行。年份若横排成多列（2019年收入……），在 study.toml 中写 column = "{year}年收入"，删去 time。',
        'One row per village and year. Where years stand side by side as columns, write column = "{year}年收入" in '
        "study.toml and leave time out.",
    ),
    (
        "标题行、单位行、合计行和表下的注会被识别并略去，check 逐项列出。",
        "A title, a line of units, totals and notes below are found and left out; check names each.",
    ),
    ("没有数据的单元格留空，不要填0。", "Leave a cell empty where nothing is known; 0 is a number."),
    ("列名和单位在 study.toml 中说明。", "What your columns are called, and their units, stands in study.toml."),
]

SETTINGS = f"""\
# A study: what the report asks, of which data. Text may be Chinese; what stands behind # is a note.
# 研究设置：把等号右边换成您的标题、文件名和列名；# 之后是说明。
title = "示例：片区是否增加了村集体经济收入？"
language = "zh"                      # language of the labels: "zh" or "en"
panel = "{WORKBOOK}"          # beside this file: .xlsx, .xls, .ods, .csv, .dta, .sav or .parquet
sheet = "数据"                       # the sheet that holds the rows; leave this line out for other files
provenance = "invented"              # said with every result; delete this line when the data are yours
# membership = "成员.csv"            # if group and first_treated stand in a file of their own, one row per village
# placebo_group_size = 5             # villages in each group that is cut where untreated villages have none
# leave_out = ["全县"]               # rows that are no villages; also: years = [2016, 2023], never = [0, 9999]
# controls = ["耕地面积"]            # every estimate controls for these; one that never changes is interacted with year
# weights = "户数"                   # every estimate weighs by this; choose both before looking at any estimate

[columns]                            # ours = the name in your header
unit = "村代码"
time = "年份"
first_treated = "加入年份"           # first treated year; empty = never treated (or treated = a column of 0 and 1)
group = "片区"                       # where treatment was assigned: inference rests on these groups
stratum = "乡镇"                     # optional: what assignment stayed within

# One section per outcome; the first one is the primary one.
[outcomes.income]
column = "村集体经济收入"
unit = "万元"                        # 元, 千元, 万元, 亿元, 人, 户, 亩, 公顷 and % are known; values stay in it
label_en = "Village collective income"
label_zh = "村集体经济收入"
definition = "total income (总收入) of the village collective in the year"
prices = "nominal"                   # or "constant 2022"; only for money
# scale = "log"                      # or "poisson" (effects in per cent) or "level"; chosen before looking, too

[outcomes.surplus]
column = "经营收益"
unit = "万元"
label_en = "Operating surplus"
label_zh = "经营收益"
definition = "operating surplus (经营收益): operating income less cost, without subsidies"
prices = "nominal"

[outcomes.households]
column = "户数"
unit = "户"
label_en = "Households"
label_zh = "户数"
definition = "registered households at the end of the year"
"""


def example_panel(seed: int = SEED) -> pd.DataFrame:
    """Thirty invented villages in six groups of two towns over six years; three groups are treated."""
    random = np.random.default_rng(seed)
    rows = []
    for number in range(GROUPS * VILLAGES_PER_GROUP):
        group = number // VILLAGES_PER_GROUP
        town, treated = group // 3, group % 2 == 0
        level, households = random.lognormal(3, 0.4), int(random.integers(120, 400))
        for year in YEARS:
            joined = FIRST_TREATED if treated else None
            income = (
                level + 0.8 * (year - YEARS[0]) + random.normal(0, 1.5) + EFFECT * (treated and year >= FIRST_TREATED)
            )
            rows.append(
                (
                    f"9900000{town + 1:02}{number + 1:03}",
                    f"虚构村{number + 1:02}",
                    f"虚构镇{'甲乙'[town]}",
                    year,
                    f"虚构片区{group + 1}",
                    joined,
                    round(max(income, 1), 2),
                    round(max(0.4 * income + random.normal(0, 0.8), 0.1), 2),
                    households + year - YEARS[0],
                )
            )
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"加入年份": "Int64"})


def write_workbook(path: Path, panel: pd.DataFrame) -> None:
    """Write the panel and a sheet of notes, without the time of day."""
    book = Workbook()
    data, notes = book.active, book.create_sheet("说明")
    data.title = "数据"
    data.append(list(panel))
    for row in panel.astype(object).where(panel.notna(), None).itertuples(index=False):
        data.append(list(row))
    for line in [*(("", *note) for note in NOTES), (), *((name, zh, en) for name, (zh, en) in COLUMNS.items())]:
        notes.append(line)
    for cell in data["A"]:
        cell.number_format = "@"
    data.column_dimensions["A"].number_format = "@"
    data.freeze_panes = "A2"
    for sheet, letter, width in (
        (data, "A", 16),
        (data, "G", 16),
        (notes, "A", 16),
        (notes, "B", 60),
        (notes, "C", 90),
    ):
        sheet.column_dimensions[letter].width = width
    book.save(path)
    with ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["docProps/core.xml"] = re.sub(
        rb">\d{4}-\d\d-\d\dT[^<]*<", b">2024-01-01T00:00:00Z<", parts["docProps/core.xml"]
    )
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(ZipInfo(name, (2024, 1, 1, 0, 0, 0)), content, ZIP_DEFLATED)


def broken_panels(panel: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The panel as text with one error each, by the name of the error."""
    text = panel.astype(object).where(panel.notna(), "").astype(str)
    income, code = text.columns.get_loc("村集体经济收入"), text.columns.get_loc("村代码")
    total = dict.fromkeys(text, "") | {"村代码": "合计", "村集体经济收入": "1234.5"}

    def changed(*cells: tuple[int, int, str]) -> pd.DataFrame:
        copy = text.copy()
        for row, column, value in cells:
            copy.iloc[row, column] = value
        return copy

    return {
        "totals-row": pd.concat([text, pd.DataFrame([total])]),
        "rounded-codes": changed(*[(row, code, "9.9E+11") for row in range(6)]),
        "dates-for-years": text.assign(年份=text["年份"] + "-12-31"),
        "text-in-numbers": changed((3, income, "12万"), (7, income, "约15")),
        "duplicated-village": pd.concat([text, text.iloc[6:12]]),
        "two-start-years": changed((0, text.columns.get_loc("加入年份"), "2020")),
        "mixed-units": changed((5, income, str(float(text.iloc[5, income]) * 10_000))),
    }


def write_example(folder: Path = FOLDER) -> None:
    """Write every file of the example but its README."""
    (folder / "with-errors").mkdir(parents=True, exist_ok=True)
    panel = example_panel()
    write_workbook(folder / WORKBOOK, panel)
    _write(folder / "study.toml", SETTINGS)
    in_csv = re.sub(r"sheet = .*\n", "", SETTINGS)
    _write(folder / "study-gb18030.toml", in_csv.replace(WORKBOOK, GB18030))
    panel.to_csv(folder / GB18030, index=False, encoding="gb18030", lineterminator="\n")
    for name, broken in broken_panels(panel).items():
        broken.to_csv(folder / "with-errors" / f"{name}.csv", index=False, encoding="utf-8", lineterminator="\n")
        _write(folder / "with-errors" / f"{name}.toml", in_csv.replace(WORKBOOK, f"{name}.csv"))


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    write_example()
