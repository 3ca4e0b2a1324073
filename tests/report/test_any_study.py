"""Every notebook on any study: what a study cannot support is refused in words, nothing else fails, and no text is
left over from the default study."""

import ast
import contextlib
import dataclasses
import functools
import io
import os
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.text import Text
from nbformat import NotebookNode
from nbformat.v4 import new_notebook
from notebook_text import english_runs, markdown_tokens, prose

import analysis
from analysis import (
    Outcome,
    Study,
    StudyError,
    balance,
    did,
    event_study,
    four_means,
    load_study,
    minimum_detectable_effect,
    rejection_rates,
    specification_curve,
)
from analysis.inference import inversion, methods, score_tests
from analysis.messages import FewTreatedGroupsWarning
from analysis.presentation.descriptive import panel_coverage
from analysis.robustness import other_starts, synthetic_districts
from analysis.robustness.estimands import estimands

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
STEMS = (
    "02-villages",
    "03-before-after",
    "04-event-study",
    "05-inference",
    "06-districts",
    "07-robustness",
    "08-power",
)
DEFAULT_STUDY_ONLY = "default study only"
# Published facts, which no study changes.
READ_FOR_ITS_LANGUAGE = {"01-sources", "10-your-villages"}
OF_THE_DEFAULT_STUDY = re.compile(
    r"simulated|Mengzhou|孟州|2022|2023|COVID|\bfive\b|\byuan\b|(?<![\d.,])274(?![\d.,]*\d)", re.IGNORECASE
)
# Words for the units and groups of the project's own study; districts of a town (subdistricts) are others.
OF_VILLAGES = re.compile(r"village|\bdistrict", re.IGNORECASE)
WHERE_DATA_COME_FROM = re.compile(r"\*\*Data\.\*\*.*?(?=\n\n|\Z)", re.DOTALL)
NO_NUMBER = re.compile(r"\bnan\b|<NA>", re.IGNORECASE)
# Enough to run the code; how many there are is no part of what is tested.
FEW = {
    "rejection_rates": {"replications": 3},
    "randomization": {"draws": 99},
    "partition_sensitivity": {"cuts": 2},
    "minimum_detectable_effect": {"replications": 20},
    "power_curve": {"replications": 20},
    "synthetic_did": {"draws": 9},
    "reassigned_effects": {"draws": 9},
    "other_designs": {"replications": 20},
}
ROOMS = analysis.MOVED | {"reassigned_effects": "design.reassigned", "other_designs": "presentation.designs"}
ROOMS |= {"rejection_rates": "presentation.methods"}
# Means and a regression of the same numbers differ by rounding alone.
ROUNDING = 1e-12
pytestmark = pytest.mark.filterwarnings("ignore::analysis.messages.FewTreatedGroupsWarning")
YEARS = tuple(range(2014, 2020))
NEVER = None

HEAD = """\
title = "Did it help?"
language = "{language}"
panel = "数据.csv"
[columns]
unit = "村"
time = "年"
first_treated = "加入"
"""
GROUPS = 'group = "片区"\nstratum = "乡镇"\n'
INCOME = """\
[outcomes.income]
column = "收入"
unit = "万元"
label_en = "Collective income"
label_zh = "村集体经济收入"
definition = "总收入"
prices = "nominal"
"""
HOUSEHOLDS = '[outcomes.households]\ncolumn = "户数"\nunit = "户"\nlabel_en = "Households"\nlabel_zh = "户数"\n'
SURPLUS = """\
[outcomes.surplus]
column = "经营收益"
unit = "万元"
label_zh = "经营收益"
definition = "经营收益"
prices = "nominal"
"""
IN_LEVELS, IN_LOGS = 'scale = "level"\n', 'scale = "log"\n'
RATE = '[outcomes.rate]\ncolumn = "收益率"\nunit = "%"\nlabel_zh = "收益率"\ndefinition = "surplus over income"\n'


def toml(*outcomes: str, design: str = GROUPS, language: str = "en") -> str:
    return HEAD.format(language=language) + design + "".join(outcomes or (INCOME, HOUSEHOLDS))


def panel(starts: list[int | None], years: tuple[int, ...] = YEARS, size: int = 3) -> pd.DataFrame:
    """Villages in one group for each start year given, in five strata by turns; Chinese codes, positive incomes."""
    random = np.random.default_rng(20)
    rows = []
    for group, start in enumerate(starts):
        for village in range(size):
            level, households = random.lognormal(3, 0.4), 100 + 10 * village
            for year in years:
                gain = 2.0 if start and year >= start else 0.0
                income = level + 0.4 * (year - years[0]) + gain + random.normal()
                code = (f"村{group:02}{village}", year, start, f"片区{group + 1}", f"乡{'甲乙丙丁戊'[group % 5]}")
                rows.append((*code, round(max(income, 1), 2), households + int(random.integers(5))))
    frame = pd.DataFrame(rows, columns=["村", "年", "加入", "片区", "乡镇", "收入", "户数"])
    return frame.astype({"加入": "Int64"})


def several_starts() -> tuple[pd.DataFrame, str]:
    """Three start years, a tenth of the rows absent."""
    frame = panel([2016, 2017, 2018] * 2 + [NEVER] * 8)
    return frame[np.random.default_rng(3).random(len(frame)) > 0.1], toml()


def one_year_before() -> tuple[pd.DataFrame, str]:
    return panel([2017] * 4 + [NEVER] * 6, (2016, 2017, 2018)), toml()


def two_years_before() -> tuple[pd.DataFrame, str]:
    """With untreated groups enough for honest bounds."""
    return panel([2017] * 4 + [NEVER] * 12, (2015, 2016, 2017, 2018)), toml()


def every_second_year() -> tuple[pd.DataFrame, str]:
    return panel([2016] * 4 + [NEVER] * 6, (2010, 2012, 2014, 2016, 2018)), toml()


def one_treated_group() -> tuple[pd.DataFrame, str]:
    return panel([2017] + [NEVER] * 8), toml()


def villages_alone() -> tuple[pd.DataFrame, str]:
    """Neither groups nor strata: each village treated for itself."""
    return panel([2017] * 4 + [NEVER] * 6, size=2).drop(columns=["片区", "乡镇"]), toml(design="")


def rate_below_zero() -> tuple[pd.DataFrame, str]:
    """One outcome, in per cent, with zeros and negative values, without an English label."""
    frame = panel([2017] * 4 + [NEVER] * 6)
    return frame.assign(收益率=(frame["收入"] - 20).round()).drop(columns=["收入", "户数"]), toml(RATE)


def many_missing() -> tuple[pd.DataFrame, str]:
    frame = panel([2017] * 4 + [NEVER] * 6)
    lost = np.random.default_rng(4).random(len(frame)) < 0.5
    return frame.assign(收入=frame["收入"].mask(lost)), toml(INCOME)


def in_logs() -> tuple[pd.DataFrame, str]:
    return panel([2017] * 4 + [NEVER] * 6), toml(INCOME + IN_LOGS, HOUSEHOLDS)


def in_chinese() -> tuple[pd.DataFrame, str]:
    """Labels in Chinese, and an operating surplus that falls below zero."""
    frame = panel([2017] * 4 + [NEVER] * 6)
    outcomes = (INCOME + IN_LEVELS, HOUSEHOLDS, SURPLUS + IN_LEVELS)
    return frame.assign(经营收益=(frame["收入"] - 60).round(2)), toml(*outcomes, language="zh")


def never_seen_before() -> tuple[pd.DataFrame, str]:
    """A start year whose villages have outcomes from their treatment on only."""
    frame = panel([2016, 2016, 2018, 2018] + [NEVER] * 6)
    before = (frame["加入"] == 2016).fillna(False) & (frame["年"] < 2016)
    measured = frame.columns.difference(["村", "年", "加入", "片区", "乡镇"])
    return frame.assign(**{name: frame[name].mask(before) for name in measured}), toml()


def nowhere_else() -> tuple[pd.DataFrame, str]:
    """Both treated groups fill a stratum of their own."""
    frame = panel([2017] * 2 + [NEVER] * 6)
    return frame.assign(乡镇=np.where(frame["加入"].notna(), "乡甲", "乡乙")), toml()


def mixed_groups() -> tuple[pd.DataFrame, str]:
    frame = panel([2017] * 4 + [NEVER] * 6)
    return frame.assign(加入=frame["加入"].mask(frame["村"].str.endswith("2"))), toml()


def groups_cut() -> tuple[pd.DataFrame, str]:
    """Untreated villages come without groups."""
    frame = panel([2017] * 4 + [NEVER] * 6)
    return frame.assign(片区=frame["片区"].where(frame["加入"].notna())), toml()


def nothing_moves() -> tuple[pd.DataFrame, str]:
    """The outcome of every village is the same in all years."""
    frame = panel([2017] * 3 + [NEVER] * 6)
    return frame.assign(收入=frame.groupby("村")["收入"].transform("first")), toml()


def few_outside() -> tuple[pd.DataFrame, str]:
    """Two untreated groups, in as many villages."""
    return panel([2017] * 3 + [NEVER] * 2, size=1), toml()


def counties() -> tuple[pd.DataFrame, str]:
    """No villages, and no districts."""
    return panel([2017] * 4 + [NEVER] * 6), toml(design=GROUPS).replace("panel =", 'noun = "county"\npanel =')


BUILDERS: tuple[Callable[[], tuple[pd.DataFrame, str]], ...] = (
    several_starts,
    one_year_before,
    two_years_before,
    every_second_year,
    one_treated_group,
    villages_alone,
    rate_below_zero,
    many_missing,
    in_logs,
    in_chinese,
    never_seen_before,
    nowhere_else,
    mixed_groups,
    groups_cut,
    nothing_moves,
    few_outside,
    counties,
)


# By study and notebook, the cells that are refused, by their beginning, with the beginning of the reason.
UNSEEN = "No village is observed before its start in 1 start-year cohort: 2016. Add earlier years, or remove"
NOTHING_BELOW_ZERO = "scale=\"poisson\" needs values of zero or more, but 'rate' is negative in 28 rows: "
FEW_YEARS = "Which scale untreated villages support shows from 3 years before the first start ({}) and one from it on; "
ONE_YEAR, TWO_YEARS = "'income' is known in 1 year before and ", "'income' is known in 2 years before and "
NOT_FOR_MONEY = "'{}' is analysed with scale = \"{}\"; how much of the effect one village carries is told for "
NO_HOUSEHOLDS = "The panel has no column 'households' to use as weight. It has: "
NO_BOUNDS = (
    "No honest bounds: {} untreated groups cannot show how {} event times vary together; more than {} are needed."
)
NO_COVARIANCE = "No honest bounds, because leads and lags have no covariance to trust: "
NO_WEIGHTS = "No weights on the untreated villages meet the treated means; the nearest miss "
NOT_WHOLE = "Treated and untreated units, or several start years, meet in 4 groups: 片区1, 片区2, 片区3, .... "
NO_NEIGHBOUR = "No stratum has treated and untreated villages, so nobody is a neighbour. Use did."
NO_POWER = "No standard error of this design can be believed, so it has no power: one treated group: not informative."
NO_POWER_OF_TWO = "A design that bears no standard error, so it has no power: 2 treated groups are worth 1.9 equal ones"
NO_SHOCKS = "The outcome does not move without treatment, so any effect would be found. Check it."
HONEST = "Honest bounds of the effect against the last year before"
# By study, why a check of notebook 07 keeps its row without an answer; "" where one can be made that most cannot.
REFUSED_TO_MOST = {
    "returning_tourists": "The panel has no column 'tourist_visits' to use as exposure. It has: ",
    "other_programmes": "No village has a published project or lies in a subdistrict.",
    "operating_income": "The study has no operating income beside this outcome.",
}
REFUSED_CHECKS: dict[str, dict[str, str]] = {
    "several_starts": {
        "other_strata": "All 5 strata have treated villages, so none is left to compare with. Bring villages of ",
        "synthetic_districts": "No village has 'income' in all years in 1 treated group: 片区2. Fill in missing ",
    },
    "one_year_before": {
        "odd_years": "No year before treatment for 12 units: 村000 (2017), 村001 (2017), 村002 (2017), .... ",
        "same_promise": "'income' is known in 1 year before 2017; a yearly change needs two. Add earlier years, or ",
        "synthetic_districts": "'income' is known in 1 year before 2017 and 2 from then on; weights need at least two ",
        "false_starts": "'income' is known in 1 year before the first start (2017), so no earlier start can be tried. ",
        "parallel_trends": "No year before treatment is estimated beside the reference, so there is no pre-trend ",
    },
    "every_second_year": {"revaluation": "Consumer prices are at hand for 2012 to 2025, not for "},
    "villages_alone": {"other_strata": "The study has one stratum, so nobody is a neighbour and nobody "},
    "rate_below_zero": {
        "rich_village": NOT_FOR_MONEY.format("rate", "level"),
        "revaluation": "The outcome is not in CNY, so prices do not bear on it.",
        "moved_reports": "The marks are amounts in CNY, and the outcome is not in CNY.",
    },
    "in_logs": {"rich_village": NOT_FOR_MONEY.format("income", "log")},
    "in_chinese": {
        "rich_village": "'income'按scale = \"level\"分析；",
        "returning_tourists": "面板数据没有",
        "other_programmes": "没有村有公开的项目或位于街道。",
        "operating_income": "",
    },
    "many_missing": {
        "same_promise": NO_WEIGHTS + "Collective income (万元): change per year (",
        "synthetic_districts": "No village has 'income' in all years in 4 treated groups: 片区1, 片区2, 片区3, .... ",
    },
    "never_seen_before": {
        **dict.fromkeys(["rich_village", "odd_years", "revaluation", "moved_start", "other_strata"], UNSEEN),
        "same_promise": UNSEEN,
        "synthetic_districts": "No village has 'income' in all years in 2 treated groups: 片区1, 片区2. Fill in ",
        "false_starts": UNSEEN,
        "parallel_trends": "No village is observed at the reference event time -1 in 1 start-year cohort: 2016. Choose",
    },
    "nowhere_else": {"other_strata": NO_NEIGHBOUR},
    "mixed_groups": {"synthetic_districts": NOT_WHOLE},
    "nothing_moves": {
        "synthetic_districts": "In every untreated group 'income' moves exactly like a mix of the others"
    },
    "counties": {"other_programmes": "No county has a published project or lies in a subdistrict."},
    "few_outside": {
        "other_strata": NO_NEIGHBOUR,
        "same_promise": NO_WEIGHTS,
        "synthetic_districts": "Only 2 untreated groups with a village that has 'income' in all years; placebos and ",
    },
}
NO_BOUNDS_IN_CHINESE = "6个未处理组不足以看出5个相对年份如何共同变动，需要多于15个"
NO_BOUNDS_FOR = {
    "several_starts": NO_BOUNDS.format(8, 3, 9),
    "every_second_year": NO_BOUNDS.format(6, 4, 12),
    "villages_alone": NO_BOUNDS.format(12, 5, 15),
    **dict.fromkeys(
        ["rate_below_zero", "in_logs", "in_chinese", "groups_cut", "many_missing", "counties"],
        NO_BOUNDS.format(6, 5, 15),
    ),
    **dict.fromkeys(["one_treated_group", "mixed_groups", "nothing_moves", "few_outside"], NO_COVARIANCE),
    "nowhere_else": "No honest bounds: 2 treated groups are worth 1.9 equal ones by their totals: not informative. ",
}
EVIDENCE, NOT_SHOWN = "scale_evidence(", "Untreated villages do not show which scale they support: "
FORMULAS = [f'data = two_by_two(study, outcome, "{scale}")' for scale in ("level", "poisson")]
BOUNDS = ["event_study(study, outcome).both_bounds()", "plot_honest_bounds("]
DISTRICTS = ["plot_districts(", "by_district("]
EACH_LEFT_OUT = ["without_each_district(study, outcome).draw()", "without_each_district("]
NO_REFERENCE = "No village is observed at the reference event time -1 in 1 start-year cohort: 2016. Choose"
NO_LEAD = "No year before treatment is estimated beside the reference, so "
STARTS = "The formula inside * after is for one start year, and this study has {}: "
NOWHERE = "Treatment could have gone to no other groups: every stratum with treated groups has no untreated group "
OF_AN_ESTIMATE = ["how_sure(", "plot_methods(", "trusted(", "did(", "plot_reassigned(", "centre_of_reassigned("]
OF_AN_ESTIMATE += ["other_assumptions("]
OF_REASSIGNED = ["plot_reassigned(", "centre_of_reassigned("]
OF_POWER = ["plot_power(", "minimum_detectable_effect(", "other_designs("]
REFUSED: dict[tuple[str, str], dict[str, str]] = {
    ("several_starts", "03-before-after"): {
        **dict.fromkeys(["by_hand(", *FORMULAS], STARTS.format(3)),
        EVIDENCE: FEW_YEARS.format(2016) + TWO_YEARS,
    },
    ("one_year_before", "03-before-after"): {EVIDENCE: FEW_YEARS.format(2017) + ONE_YEAR},
    ("two_years_before", "03-before-after"): {EVIDENCE: FEW_YEARS.format(2017) + TWO_YEARS},
    ("rate_below_zero", "03-before-after"): {
        FORMULAS[1]: NOTHING_BELOW_ZERO.replace("28", "68"),
        EVIDENCE: NOT_SHOWN + NOTHING_BELOW_ZERO,
    },
    ("many_missing", "03-before-after"): dict.fromkeys(
        ["four_means(study.complete", "by_hand(", *FORMULAS],
        "No treated or no untreated unit has 'income' in every year of the panel, so a balanced panel ",
    ),
    ("never_seen_before", "03-before-after"): {
        **dict.fromkeys(["gap_moved(", "did(study, outcome)"], UNSEEN),
        **dict.fromkeys(["by_hand(", *FORMULAS], STARTS.format(2)),
        EVIDENCE: FEW_YEARS.format(2016) + TWO_YEARS,
    },
    ("nothing_moves", "03-before-after"): {EVIDENCE: NOT_SHOWN + "no residual variation to learn from."},
    ("few_outside", "03-before-after"): {
        EVIDENCE: "Which scale untreated villages support shows from 3 richer and 3 poorer ones; "
        "in the first 2 years of 'income' there are 1 and 1."
    },
    ("one_year_before", "04-event-study"): dict.fromkeys(["event_study(study, outcome).pretrend()", *BOUNDS], NO_LEAD),
    ("never_seen_before", "04-event-study"): dict.fromkeys(
        [
            "plot_event_study(event_study(",
            "event_study(study, outcome).average()",
            "event_study(study, outcome).pretrend()",
        ]
        + ["event_study_table(", "both = ", *BOUNDS],
        NO_REFERENCE,
    ),
    **{(study, "04-event-study"): dict.fromkeys(BOUNDS, reason) for study, reason in NO_BOUNDS_FOR.items()},
    ("never_seen_before", "05-inference"): dict.fromkeys(OF_AN_ESTIMATE, UNSEEN),
    ("nowhere_else", "05-inference"): {
        "plot_reassigned(": NOWHERE,
        "centre_of_reassigned(": NOWHERE,
        "other_assumptions(": "No p-value: 2 treated groups are worth 1.9 equal ones by their totals",
    },
    ("few_outside", "05-inference"): dict.fromkeys(OF_REASSIGNED, NOWHERE),
    ("mixed_groups", "05-inference"): dict.fromkeys(OF_REASSIGNED, NOT_WHOLE),
    ("one_treated_group", "06-districts"): dict.fromkeys(
        EACH_LEFT_OUT, "Only one group is treated (片区1): without it there is no "
    ),
    ("rate_below_zero", "06-districts"): {"per_village_and_in_total(": NO_HOUSEHOLDS},
    ("many_missing", "06-districts"): {"per_village_and_in_total(": NO_HOUSEHOLDS},
    ("never_seen_before", "06-districts"): {
        **dict.fromkeys(DISTRICTS, "The outcome is known in no year before treatment in 2 treated groups: "),
        **dict.fromkeys([*EACH_LEFT_OUT, "every_outcome(", "per_village_and_in_total("], UNSEEN),
        "averages(": NO_REFERENCE,
    },
    ("mixed_groups", "06-districts"): dict.fromkeys(DISTRICTS, NOT_WHOLE),
    ("never_seen_before", "07-robustness"): {"plot_forest(examination, ": UNSEEN},
    ("one_treated_group", "08-power"): dict.fromkeys(OF_POWER[:2], NO_POWER),
    ("nowhere_else", "08-power"): dict.fromkeys(OF_POWER[:2], NO_POWER_OF_TWO),
    ("never_seen_before", "08-power"): dict.fromkeys(OF_POWER, UNSEEN),
    ("nothing_moves", "08-power"): dict.fromkeys(OF_POWER, NO_SHOCKS),
}


@dataclass
class Run:
    """One notebook on one study: cells by their first line."""

    refused: list[tuple[str, str]] = field(default_factory=list)
    texts: list[tuple[str, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    space: dict[str, object] = field(default_factory=dict)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder for each study, with its panel and study.toml."""
    made = {}
    for build in BUILDERS:
        frame, settings = build()
        made[build.__name__] = folder = tmp_path_factory.mktemp("研究 study")
        frame.to_csv(folder / "数据.csv", index=False, encoding="utf-8", lineterminator="\n")
        (folder / "study.toml").write_text(settings, encoding="utf-8", newline="\n")
    return made


def run(stem: str) -> Run:
    """Run a notebook's cells here, refused as in a report on a study of one's own."""
    done, space = Run(), dict[str, object]()
    with warnings.catch_warnings(record=True) as caught, contextlib.redirect_stderr(io.StringIO()) as stderr:
        warnings.simplefilter("always")
        for kept_quiet in (DeprecationWarning, EncodingWarning, FewTreatedGroupsWarning):
            warnings.simplefilter("ignore", kept_quiet)
        for source in code_cells(stem):
            try:
                text = shown(source, space)
                done.texts.append((first_line(source), text))
            except StudyError as error:
                done.refused.append((first_line(source), error.said("en")))
                if "study" not in space:
                    break
    done.space = space
    done.warnings = [str(warning.message) for warning in caught] + [stderr.getvalue()] * bool(stderr.getvalue())
    return done


def cells(stem: str) -> list[NotebookNode]:
    """A notebook's cells without those on published facts and simulated designs, which reports of others leave out."""
    found = nbformat.read(NOTEBOOKS / f"{stem}.ipynb", as_version=4).cells
    return [cell for cell in found if DEFAULT_STUDY_ONLY not in cell.metadata.get("tags", [])]


def code_cells(stem: str) -> Iterator[str]:
    return (cell.source for cell in cells(stem) if cell.cell_type == "code")


def first_line(source: str) -> str:
    return source.splitlines()[0]


def shown(source: str, space: dict[str, object]) -> str:
    """Run a cell; all that it shows, as text."""
    statements = ast.parse(source).body
    value = statements.pop() if isinstance(statements[-1], ast.Expr) else None
    exec(compile(ast.Module(statements, []), "<cell>", "exec"), space)
    result = eval(compile(ast.Expression(value.value), "<cell>", "eval"), space) if value else None
    ways = [getattr(result, name)() for name in ("_repr_markdown_", "_repr_html_") if hasattr(result, name)]
    texts = [*ways, repr(result)] if result is not None else []
    for number in plt.get_fignums():
        figure = plt.figure(number)
        figure.draw_without_rendering()
        texts += [text.get_text() for text in figure.findobj(Text)]
    plt.close("all")
    return "\n".join(texts)


@functools.cache
def loaded(file: str) -> Study:
    return load_study(file)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few repetitions, and each study read once."""
    monkeypatch.setattr(analysis, "load_study", lambda: loaded(os.environ["STUDY"]))
    for name, options in FEW.items():
        room = import_module(f"analysis.{ROOMS[name]}") if name in ROOMS else analysis
        monkeypatch.setattr(room, name, fewer(getattr(room, name), options), raising=False)
    monkeypatch.setattr(other_starts, "MOST_SPLITS", 2)
    monkeypatch.setattr(synthetic_districts, "synthetic_did", fewer(analysis.synthetic_did, FEW["synthetic_did"]))
    # Tests of Poisson regressions draw so few vectors where clusters are many; here everywhere.
    monkeypatch.setattr(methods, "MOST_NUMBERS", 0)
    monkeypatch.setattr(methods, "FEWEST_DRAWS", 99)
    # Each value that an interval by inversion tries is a fit: here it takes long steps and halves them once.
    monkeypatch.setattr(score_tests, "BOUND_TOLERANCE", 0.5)
    monkeypatch.setattr(inversion, "FIRST_STEP", 1.0)


def fewer(function: Callable, options: dict[str, int]) -> Callable:
    return lambda *args, **given: function(*args, **given | options)


def begins(found: list[str], expected: list[str]) -> bool:
    return len(found) == len(expected) and all(map(str.startswith, found, expected))


@pytest.mark.usefixtures("few")
class _OnEveryStudy:
    """One class a notebook, so that the workers of a parallel run share them out."""

    stem: str

    def look_at(self, study: str, done: Run) -> None:
        """What else is to be seen of a notebook."""

    @pytest.mark.parametrize("study", [build.__name__ for build in BUILDERS])
    def test_runs_on(self, study: str, folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("STUDY", str(folders[study] / "study.toml"))
        stem, done = self.stem, run(self.stem)
        refused = REFUSED.get((study, stem), {})
        assert begins([cell for cell, _ in done.refused], list(refused)), done.refused
        assert begins([reason for _, reason in done.refused], list(refused.values())), done.refused
        assert done.warnings == []
        for line, text in done.texts:
            assert not NO_NUMBER.search(text), f"{line}: {text}"
            assert not OF_THE_DEFAULT_STUDY.search(text), f"{line}: {text}"
            assert study != "in_chinese" or english_runs(text) == [], line
            assert study != "counties" or not OF_VILLAGES.search(text), f"{line}: {text}"
        self.look_at(study, done)


class TestVillages(_OnEveryStudy):
    stem = "02-villages"


class TestBeforeAfter(_OnEveryStudy):
    stem = "03-before-after"


class TestEventStudy(_OnEveryStudy):
    stem = "04-event-study"


class TestInference(_OnEveryStudy):
    stem = "05-inference"


class TestDistricts(_OnEveryStudy):
    stem = "06-districts"


class TestRobustness(_OnEveryStudy):
    stem = "07-robustness"

    def look_at(self, study: str, done: Run) -> None:
        """Checks that the study cannot support keep their row, and say why."""
        examination = done.space["examination"]
        refused = {name: check.found for name, check in examination.checks.items() if check.refused}
        expected = REFUSED_TO_MOST | REFUSED_CHECKS.get(study, {})
        expected = {name: reason for name, reason in expected.items() if reason}
        assert refused.keys() == expected.keys(), refused
        assert begins(list(refused.values()), [expected[name] for name in refused]), refused
        bounds = NO_BOUNDS_FOR.get(study, "" if expected.get("parallel_trends") else HONEST)
        bounds = NO_BOUNDS_IN_CHINESE if study == "in_chinese" else bounds
        assert bounds in examination["parallel_trends"].found


class TestPower(_OnEveryStudy):
    stem = "08-power"


def test_every_notebook_that_loads_the_study_runs_here() -> None:
    sources = {path.stem: "\n".join(code_cells(path.stem)) for path in NOTEBOOKS.glob("*.ipynb")}
    loading = {stem for stem, source in sources.items() if "load_study()" in source}
    assert loading - READ_FOR_ITS_LANGUAGE == {*STEMS} == {one.stem for one in _OnEveryStudy.__subclasses__()}, (
        "name the notebook in STEMS, and what studies cannot support in it in REFUSED"
    )


@pytest.mark.parametrize("stem", STEMS)
def test_prose_holds_for_any_study(stem: str) -> None:
    notebook = new_notebook(cells=cells(stem))
    for cell in notebook.cells:
        cell.source = WHERE_DATA_COME_FROM.sub("", cell.source)
    found = {n: OF_THE_DEFAULT_STUDY.findall(prose(tokens)) for n, tokens in markdown_tokens(notebook)}
    assert {n: words for n, words in found.items() if words} == {}


def test_study_treated_from_its_first_year_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    panel([YEARS[0]] * 3 + [NEVER] * 3).to_csv(tmp_path / "数据.csv", index=False, encoding="utf-8")
    (tmp_path / "study.toml").write_text(toml(), encoding="utf-8")
    monkeypatch.setenv("STUDY", str(tmp_path / "study.toml"))
    done = run("03-before-after")
    assert [reason[:39] for _, reason in done.refused] == ["No year before treatment for 9 units: "[:39] + "村"]
    assert done.texts == []


def test_an_error_that_is_no_refusal_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analysis, "four_means", lambda study, outcome: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run("03-before-after")


def small_study(*villages: tuple[float | None, ...], scale: str = "level") -> Study:
    """Villages alone: the start year, and the outcome in the years from 2001 on."""
    rows = [
        (number, 2001 + place, start, value)
        for number, (start, *values) in enumerate(villages)
        for place, value in enumerate(values)
    ]
    frame = pd.DataFrame(rows, columns=["village", "year", "start", "income"])
    outcomes = {"income": Outcome("income", unit="CNY", label_en="Income", scale=scale)}
    return Study.from_frame(frame, unit="village", time="year", first_treated="start", outcomes=outcomes)


OUTSIDE = ((NEVER, 1, 2, 3, 4), (NEVER, 3, 4, 5, 6), (NEVER, 5, 6, 7, 8))


def test_four_means_of_several_start_years_stand_beside_those_never_treated() -> None:
    # Outside: 3, 4, 5 and 6 in the four years, so 3 and 5 before and from 2002, 4 and 6 before and from 2004.
    study = small_study((2002, 10, 13, 15, 17), (2004, 4, 4, 4, 9), *OUTSIDE)
    table = four_means(study, "income")
    numbers = table.frame[["before", "after", "change"]]
    assert table.frame.index.names == ["first_treated", None]
    assert numbers.loc[2002].to_numpy().tolist() == [[10, 15, 5], [3, 5, 2], [7, 10, 3]]
    assert numbers.loc[2004].to_numpy().tolist() == [[4, 9, 5], [4, 6, 2], [0, 3, 3]]
    assert table.frame["villages"].fillna(0).tolist() == [1, 3, 0, 1, 3, 0]
    assert table.caption == "Income (CNY), means of 20 village-years; after = from 2002, 2004 (your data)"


def test_four_means_are_missing_where_nothing_is_seen() -> None:
    frame = four_means(small_study((2002, np.nan, 13, 15, 17), *OUTSIDE), "income").frame
    assert frame["before"].isna().tolist() == [True, False, True]
    assert frame["after"].tolist() == [15, 5, 10]


def test_outcome_described_in_logs_is_analysed_in_logs_unless_told_otherwise() -> None:
    villages = ((2003, 8, 9, 14, 15), (2003, 2, 5, 6, 6), *OUTSIDE)
    described, plain = small_study(*villages, scale="log"), small_study(*villages)
    for verb in (did, event_study):
        ours, theirs = (
            verb(study, "income", **options) for study, options in ((described, {}), (plain, {"scale": "log"}))
        )
        assert ours.regression.params.equals(theirs.regression.params)
    assert did(described, "income").unit == "log points"
    assert did(described, "income", scale="level").value == did(plain, "income").value != did(described, "income").value
    means = four_means(described, "income")
    assert means.frame.loc["difference", "change"] == pytest.approx(did(described, "income").value, rel=ROUNDING)
    assert means.caption.startswith("Income (CNY, in logs), ")
    assert balance(described).frame.index[0] == "Income (CNY, in logs): level"


def test_size_of_an_outcome_in_logs_is_that_of_its_logs() -> None:
    frame, names = panel([2017] * 2 + [NEVER] * 6), {"unit": "村", "time": "年", "first_treated": "加入"}
    in_logs = Study.from_frame(frame, **names, group="片区", outcomes={"收入": Outcome("收入", scale="log")})
    logged = Study.from_frame(frame.assign(收入=np.log(frame["收入"])), **names, group="片区")
    level = Study.from_frame(frame, **names, group="片区")
    ours, theirs, other = (
        rejection_rates(study, "收入", methods=["cr1"], level=0.5)["rejection_rate"].item()
        for study in (in_logs, logged, level)
    )
    assert ours == theirs != other


def test_groups_without_the_outcome_are_not_treated_on_paper() -> None:
    frame = panel([2017] + [NEVER] * 6)
    frame["收入"] = frame["收入"].mask(frame["片区"] == "片区4")
    study = Study.from_frame(frame, unit="村", time="年", first_treated="加入", group="片区")
    assert rejection_rates(study, "收入", methods=["cr1"])["replications"].tolist() == [5]


@pytest.mark.filterwarnings("error")
def test_detectable_effect_counts_villages_not_seen_before_and_needs_an_outcome_that_moves() -> None:
    names = {"unit": "村", "time": "年", "first_treated": "加入", "group": "片区", "outcomes": ["收入"]}
    frame = panel([2017] * 4 + [NEVER] * 6)
    frame["收入"] = frame["收入"].mask((frame["村"] == "村090") & (frame["年"] < 2017))
    assert minimum_detectable_effect(Study.from_frame(frame, **names), "收入", replications=20).value > 0
    still = Study.from_frame(nothing_moves()[0], **names)
    with pytest.raises(StudyError, match="^The outcome does not move without treatment, so any effect would be "):
        minimum_detectable_effect(still, "收入", replications=20)


def test_balance_is_missing_where_it_cannot_be_known() -> None:
    one_year = balance(small_study((2002, 10, 13, 15, 17), (2002, 4, 5, 4, 9), *OUTSIDE)).frame
    assert one_year.loc["Income (CNY): change per year"].isna().all()
    assert one_year.loc["Income (CNY): level", ["inside", "outside"]].tolist() == [7, 3]
    unseen = balance(small_study((2002, np.nan, 13, 15, 17), *OUTSIDE)).frame
    assert unseen["inside"].isna().all()
    nobody = balance(small_study((2002, np.nan, 2, 3, 4), (NEVER, np.nan, 2, 3, 4))).frame
    assert nobody.isna().all(axis=None)
    steady = balance(small_study((2004, 0.1, 0.1, 0.1, 1), (2004, 0.7, 0.7, 0.7, 1), (NEVER, 0.3, 0.3, 0.3, 0.3))).frame
    assert steady.loc["Income (CNY): change per year", ["inside", "outside"]].tolist() == [0, 0]
    assert steady["normalised difference"].isna().tolist()[1]


def test_coverage_counts_whole_villages_in_years_without_any_inside() -> None:
    frame = panel([2017] * 2 + [NEVER] * 3)
    frame = frame[frame["加入"].isna() | (frame["年"] != 2015)]
    study = Study.from_frame(frame, unit="村", time="年", first_treated="加入", group="片区", outcomes=["收入"])
    assert panel_coverage(study).frame.loc[2015].tolist() == [0, 9, 6, 0, 0]
    assert (panel_coverage(study).frame.dtypes == "int64").all()


def test_totals_are_in_levels_also_where_the_study_describes_logs() -> None:
    villages = ((2003, 8, 9, 14, 15), (2003, 2, 5, 6, 6), *OUTSIDE)
    ours, theirs = (small_study(*villages, scale=scale) for scale in ("log", "level"))
    ours, theirs = (
        estimands(dataclasses.replace(study, frame=study.frame.assign(households=10)), "income")
        for study in (ours, theirs)
    )
    assert ours["unit"].tolist() == ["CNY per village", "CNY per village", "CNY per year", "CNY per household"]
    pd.testing.assert_frame_equal(ours, theirs)


def test_specifications_of_a_loss_have_no_share_and_say_why() -> None:
    loss = small_study((2003, -11, -12, -7, -7), (2003, -10, -10, -9, -9), *OUTSIDE)
    curve = specification_curve(loss, "income").set_index("scale")
    assert curve.loc["level", "estimate"] == did(loss, "income").value
    assert np.isnan(curve.loc["level", "per_cent"])
    assert curve.loc["level", "note"].startswith("The counterfactual mean is not above zero, so ")
    assert curve.loc["log", "note"].startswith("No unit is treated")


def test_specifications_none_of_which_can_be_estimated_are_refused() -> None:
    empty = small_study((2003, *[np.nan] * 4), (2003, *[np.nan] * 4), *OUTSIDE)
    with pytest.raises(StudyError, match="^None of 3 specifications can be estimated. The first one: No "):
        specification_curve(empty, "income")


def test_detectable_effect_without_a_simulation_error_says_none() -> None:
    study = Study.from_frame(panel([2017] * 4 + [NEVER] * 6), unit="村", time="年", first_treated="加入", group="片区")
    known = minimum_detectable_effect(study, "收入", replications=20)
    unknown = dataclasses.replace(known, monte_carlo_error=np.nan)
    assert "Simulation error" in dataclasses.replace(known, monte_carlo_error=1.0).small_print()
    assert "Simulation error" not in unknown.small_print()
    assert not NO_NUMBER.search(repr(unknown) + unknown.small_print())
