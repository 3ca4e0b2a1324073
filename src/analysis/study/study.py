"""The study: one validated village-year panel, its design, and where its data came from."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from analysis.language.labels import say, term
from analysis.language.texts import said_with
from analysis.messages import Sentence, StudyError, former_options
from analysis.study.data_statement import data_statement
from analysis.study.design import read_design
from analysis.study.group_notes import design_notes, in_own_words
from analysis.study.outcome import LOG_POINTS, SCALES, Outcome, described
from analysis.study.panel_checks import DESIGN_COLUMNS, check_starts, numeric_column
from analysis.study.panel_rows import first_rows
from analysis.study.placebo_groups import PLACEBO, fill_groups
from analysis.study.rows_of_totals import refuse_totals, units_above_all_others
from analysis.study.specification import as_names, check_specification
from analysis.study.unit_names import are_names

PROVENANCES = ("yours", "simulated", "published", "invented")


@dataclass(frozen=True)
class Study(Sentence):
    """A validated panel with its design; make one with `Study.from_frame` or `load_study`.

    Attributes
    ----------
    frame : DataFrame
        One row per unit and year, sorted, with the columns `unit`, `time`, `first_treated`
        (nullable integer, missing = never treated), `group`, `stratum` and the caller's other columns.
    outcomes : dict of str to Outcome
        Described outcomes, the primary one first. Other numeric columns may be analysed too.
    provenance : str
        Where the data come from: "simulated", "published", "invented" or "yours"; shown with every result.
    placebo_group_count, placebo_group_size : int
        How many groups of untreated units were cut because the data gave none, and about how many units each has.
    language : str
        "en" or "zh": in which language labels and reports speak.
    assumptions : str
        What the study assumes about its data, said with the data statement.
    reading : tuple of str
        What was read, converted, cleaned and left out: one sentence each.
    controls, weights : tuple of str, str
        The specification chosen before looking: what estimates control for and weigh by where nothing else is asked.
    placebo_order : str
        Whether placebo groups were cut in order of "name" or of "code".
    """

    frame: pd.DataFrame
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    provenance: str = "yours"
    title: str = ""
    placebo_group_count: int = 0
    placebo_group_size: int = 0
    notes: tuple[str, ...] = ()
    noun: str = "village"
    language: str = "en"
    reading: tuple[str, ...] = ()
    assumptions: str = ""
    controls: tuple[str, ...] = ()
    weights: str = ""
    placebo_order: str = "code"

    @classmethod
    @former_options(pseudo_groups="placebo_group_size")
    def from_frame(
        cls,
        frame: pd.DataFrame,
        *,
        unit: str | Sequence[str],
        time: str,
        first_treated: str | None = None,
        treated: str | None = None,
        start: int | None = None,
        group: str | None = None,
        stratum: str | None = None,
        outcomes: Mapping[str, Outcome] | Sequence[str | Outcome] | None = None,
        placebo_group_size: int | None = None,
        controls: Sequence[str] = (),
        weights: str = "",
        provenance: str = "yours",
        title: str = "",
        noun: str = "village",
        never: Collection = (),
        leave_out: Collection = (),
        years: tuple[int, int] | None = None,
    ) -> Study:
        """Validate a unit-year panel and describe its design once, for every later result.

        Parameters
        ----------
        frame : DataFrame
            One row per unit and year; may be unbalanced. It is copied, never changed.
        unit, time : str
            Columns of the village and the (whole) year. Units that share names: ["province", "county"], joined.
        first_treated : str, optional
            Column with the first treated year of the unit, missing for never treated.
        treated : str, optional
            In its place a column of 0 and 1: by row, switched on and staying on; or by unit, with `start`.
        start : int, optional
            First treated year of all treated units, where `treated` says only who is treated.
        group : str, optional
            Column saying where treatment was assigned: the cluster. Default: the unit itself. Where it is
            empty for untreated units, placebo groups are cut in the order of the unit's code within the
            stratum, treated units removed, so that groups of like size are compared. Codes of digits are in
            order of value. Labels of any kind are text in the study.
        stratum : str, optional
            Column that assignment stayed within, such as the town.
        outcomes : mapping or sequence of str, optional
            Descriptions of the outcomes (name to `Outcome`), or their names; the first is the primary one.
        placebo_group_size : int, optional
            Size of the placebo groups; default: the median size of the treated groups.
        controls, weights : sequence of str and str, optional
            Columns of the study's own specification, for every estimate; see `did`.
        provenance : {"yours", "simulated", "published", "invented"}
            Said with every result.
        title, noun : str
            The study's question; what sentences call a unit, such as "state" or "county".
        never, leave_out : list, optional
            Values of `first_treated` that stand for never treated; units left out, such as rows of totals.
        years : tuple of int, optional
            First and last year to take.

        Returns
        -------
        Study

        Raises
        ------
        StudyError
            When the panel or the design is wrong; the message names the place and the remedy.

        Examples
        --------
        >>> panel = pd.DataFrame({"village": [1, 1, 2, 2, 3, 3], "year": [2022, 2023] * 3,
        ...                       "start": [2023, 2023] + [None] * 4, "income": [1, 3, 1, 2, 2, 3]})
        >>> import warnings
        >>> with warnings.catch_warnings(action="ignore"):
        ...     Study.from_frame(panel, unit="village", time="year", first_treated="start")
        Your data: 3 villages (1 treated in 1 group, 2 untreated in 2 groups), 2022-2023.
        """
        if provenance not in PROVENANCES:
            fault, known = "provenance must be one of {known}, not {provenance!r}.", ", ".join(PROVENANCES)
            raise StudyError(fault, known=known, provenance=provenance)
        starts = {"first_treated": first_treated, "treated": treated}
        columns = {"unit": unit, "time": time, **starts, "group": group, "stratum": stratum}
        named = described(outcomes)
        canonical, said = read_design(frame, columns, named, start=start, never=never, leave_out=leave_out, years=years)
        refuse_totals(canonical, measured := [name for name in named if name in canonical])
        said += units_above_all_others(canonical, measured)
        about = named, provenance, title, *fill_groups(canonical, placebo_group_size)
        notes = design_notes(canonical, stacklevel=5)
        ordered = canonical[[*dict.fromkeys([*DESIGN_COLUMNS, *canonical])]]
        own: dict[str, Any] = {"controls": as_names(controls), "weights": "".join(as_names(weights))}
        check_specification(canonical, next(iter(named), ""), **own)
        own["placebo_order"] = "name" if are_names(pd.Index(canonical["unit"].unique())) else "code"
        return cls(ordered, *about, notes, noun, reading=tuple(said), **own)

    def specification(
        self, outcome: str, controls: Sequence[str] | None = None, weights: str | Sequence[str] | None = None
    ) -> tuple[tuple[str, ...], str]:
        """Controls and weights of an estimate: those asked for, else the study's own; () or "none" means none.

        An outcome that is one of the study's controls is estimated with the others, and its weight without weights.
        """
        own = tuple(name for name in self.controls if name != outcome)
        if weights is None:
            weights = self.weights if self.weights != outcome else ""
        return own if controls is None else as_names(controls), "".join(as_names(weights))

    @property
    def units(self) -> pd.DataFrame:
        """One row per unit: `first_treated`, `group`, `stratum`, indexed by `unit`."""
        return self.frame[DESIGN_COLUMNS].iloc[first_rows(self.frame)].drop(columns="time").set_index("unit")

    @property
    def starts(self) -> list[int]:
        """Start years of treatment, ascending."""
        return sorted(self.frame["first_treated"].iloc[first_rows(self.frame)].dropna().unique().tolist())

    @property
    def mixed(self) -> bool:
        """Whether every group holds treated and untreated units, so that none as a whole is either."""
        return self.units["first_treated"].notna().groupby(self.units["group"]).nunique().eq(2).all()

    @property
    def primary_outcome(self) -> str:
        """Name of the first described outcome."""
        if not self.outcomes:
            raise StudyError("This study describes no outcome. Pass outcomes=[...] to Study.from_frame.")
        return next(iter(self.outcomes))

    @property
    def label(self) -> str:
        """Short statement of provenance for captions and titles."""
        return {"yours": "your data"}.get(self.provenance, f"{self.provenance} data")

    @property
    def data_statement(self) -> str:
        """One sentence on what the panel holds and where it comes from."""
        return data_statement(self)

    def subset(self, rows: pd.Series) -> Study:
        """The study on some rows only, validated again: `rows` is True for those to keep.

        Use it for robustness checks such as leaving out a town or a year.

        Examples
        --------
        >>> from analysis import load_study
        >>> study = load_study()
        >>> int(study.subset(study.frame["time"] <= 2023).frame["time"].max())
        2023
        """
        check_starts(frame := self.frame[rows].reset_index(drop=True))
        groups = frame["group"].unique() if self.placebo_group_count else []
        made = sum(str(group).startswith(PLACEBO) for group in groups)
        return replace(self, frame=frame, placebo_group_count=made, notes=design_notes(frame))

    def complete(self, outcome: str) -> Study:
        """The study on the units that have the outcome in every year of the panel (a balanced panel)."""
        observed = self.column(outcome).notna().groupby(self.frame["unit"]).transform("sum")
        whole = observed == self.frame["time"].nunique()
        if self.frame.loc[whole, "first_treated"].notna().nunique() < 2:
            raise StudyError(
                "No treated or no untreated unit has {outcome!r} in every year of the panel, so a balanced panel has "
                "nothing to compare. Use the panel with its gaps, or leave out the years with many.",
                outcome=outcome,
            )
        return self.subset(whole)

    def describe(self, outcome: str) -> Outcome:
        """Description of an outcome; a bare one where the study holds none."""
        return self.outcomes.get(outcome, Outcome(outcome))

    def scale_of(self, outcome: str, asked: str | None = None, known: Sequence[str] = SCALES) -> str:
        """The scale an outcome is analysed on: the one asked for, else its own, else the one its unit suggests.

        A method that knows some scales answers in levels where the outcome's is another, and refuses others asked for.
        """
        scale = asked or self.describe(outcome).usual_scale
        if scale not in (known if asked else SCALES):
            fault = "scale must be one of {known} here, not {scale!r}."
            if scale in SCALES:
                fault = "scale must be one of {known} here, not {scale!r}. Leave it out for levels."
            raise StudyError(fault, known=", ".join(known), scale=scale)
        return scale if scale in known else "level"

    def effect_unit(self, outcome: str, scale: str | None = None) -> str:
        """Unit of effects on an outcome: its own in levels, else log points, which readers see as per cent."""
        return self.describe(outcome).unit if self.scale_of(outcome, scale) == "level" else LOG_POINTS

    def label_of(self, outcome: str) -> str:
        """Reader's name of an outcome in the study's language: what figures and tables show."""
        return self.describe(outcome).label_in(self.language)

    def say(self, phrase: str, **values: object) -> str:
        """A phrase in the study's language and words (its noun for villages); {data} is where the data come from.

        Examples
        --------
        >>> from analysis import load_study
        >>> load_study().say("{data}: {number} draws", number=99)
        'Simulated data: 99 draws'
        """
        data = self.term(self.label).capitalize() if phrase.startswith("{data}") else self.term(self.label)
        own = in_own_words(self, say(self.language, phrase))
        return said_with(own, self.language, **{"data": data} | values)

    def term(self, text: str) -> str:
        """A heading, unit or other English term in the study's language, as `analysis.language.labels.term`."""
        return term(self.language, text)

    def column(self, name: str, role: str = "outcome") -> pd.Series:
        """Values of a numeric column as floats (missing stays missing), checked when used.

        Raises
        ------
        StudyError
            When the column is absent, holds text, or holds infinite values.
        """
        return numeric_column(self.frame, name, role)

    def __getattr__(self, name: str) -> int:
        renamed = {"placebo_groups": "placebo_group_count", "placebo_size": "placebo_group_size"}
        if name not in renamed:
            raise AttributeError(f"'Study' object has no attribute {name!r}")
        advice = f"Study.{name} is here until version 0.3 only. Write: Study.{renamed[name]}"
        warnings.warn(advice, FutureWarning, stacklevel=2)
        return getattr(self, renamed[name])

    def __repr__(self) -> str:
        return self.data_statement
