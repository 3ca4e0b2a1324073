"""What would change the answer: every check of a study, as a table of threats."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import pandas as pd
from tqdm import tqdm

from analysis.effects.comparison import compare, estimate_or_refusal
from analysis.effects.estimate import Estimate
from analysis.effects.verbs import did
from analysis.language.labels import counted, joined, say
from analysis.messages import StudyError
from analysis.presentation.tables import Table, captioned, paragraph
from analysis.robustness.bunching import moved_reports
from analysis.robustness.check import Asked, Check
from analysis.robustness.dominance import rich_village
from analysis.robustness.exposure import returning_tourists
from analysis.robustness.odd_years import odd_years
from analysis.robustness.operating_income import operating_income
from analysis.robustness.other_programmes import other_programmes
from analysis.robustness.other_starts import moved_start
from analysis.robustness.parallel_trends import parallel_trends
from analysis.robustness.placebo_starts import false_starts
from analysis.robustness.revaluation import revaluation
from analysis.robustness.reweighting import same_promise
from analysis.robustness.specifications import every_specification
from analysis.robustness.spillover import other_strata
from analysis.robustness.synthetic_districts import synthetic_districts
from analysis.study.study import Study

CHECKS: tuple[Asked, ...] = (rich_village, odd_years, returning_tourists, revaluation, moved_start)
CHECKS += (other_strata, same_promise, synthetic_districts, other_programmes, operating_income)
CHECKS += (moved_reports, false_starts, parallel_trends, every_specification)


@dataclass(frozen=True)
class Examination:
    """Every check of one study and outcome; shows as the table of threats, and `plot_forest` draws it.

    Attributes
    ----------
    headline : Estimate or StudyError
        The effect as given.
    checks : dict of str to Check
        By name, such as "odd_years"; `examination["odd_years"]` is one of them.
    """

    study: Study
    outcome: str
    headline: Estimate | StudyError
    checks: Mapping[str, Check]

    def __getitem__(self, name: str) -> Check:
        return self.checks[name]

    @property
    def estimates(self) -> dict[str, Estimate | StudyError]:
        """The effect as given, and that of every check which has one, by label."""
        found = {name: one for check in self.checks.values() for name, one in check.estimates.items()}
        return {say(self.study.language, "as given"): self.headline} | found

    @property
    def counted(self) -> str:
        """How many estimates of checks have another sign than the one as given, and how many exclude zero."""
        others = compare({name: one for check in self.checks.values() for name, one in check.estimates.items()})
        others, language = others.dropna(subset="estimate"), self.study.language
        if isinstance(self.headline, StudyError) or others.empty:
            return ""
        intervals = others.dropna(subset=["low", "high"])
        return self.study.say(
            "Beside the effect as given stand {estimates} of these checks: {other} with the other sign. {excluded} of "
            "{intervals} exclude zero.",
            estimates=counted(language, len(others), "estimate"),
            other=int((others["estimate"] * self.headline.value < 0).sum()),
            excluded=int((intervals["low"] * intervals["high"] > 0).sum()),
            intervals=counted(language, len(intervals), "interval"),
        )

    @property
    def table(self) -> Table:
        """One row per threat: what was done and what was found; a reason that holds for several is said once."""
        first: dict[str, str] = {}
        done: dict[str, list[str]] = {}
        found: dict[str, list[str]] = {}
        for check in self.checks.values():
            threat = first.setdefault(check.found, check.threat)
            said = check.found if threat == check.threat else self.study.say("As for “{threat}”.", threat=threat)
            done.setdefault(check.threat, []).append(check.done)
            found.setdefault(check.threat, []).append(said)
        rows = pd.DataFrame({"What was done": done, "What was found": found}).map(dict.fromkeys)
        rows = rows.map(partial(joined, self.study.language)).rename_axis("Threat")
        title = "{label}: what would change the answer; in brackets 95 % intervals ({data})"
        return captioned(rows, self.study, title, label=self.study.label_of(self.outcome))

    @property
    def tables(self) -> list[Table]:
        """The table of threats, as exports take it."""
        return [self.table]

    def __repr__(self) -> str:
        rows = self.table.frame["What was found"].items()
        said = [say(self.study.language, "{name}: {value}", name=name, value=found) for name, found in rows]
        return "\n".join(filter(None, [self.counted, self.table.caption, *said]))

    def _repr_html_(self) -> str:
        said = filter(None, [str(self.headline), self.counted])
        return "".join(map(paragraph, said)) + self.table._repr_html_()


def examine(study: Study, outcome: str | None = None) -> Examination:
    """Ask of every known threat whether it would change the answer; what the study cannot support says why.

    Use it beside `did`, before anybody else asks. Each check is a function of its own in `robustness/`, with the verb
    beneath it for other choices.

    Parameters
    ----------
    study : Study
    outcome : str, optional
        Default: the primary outcome.

    Returns
    -------
    Examination

    Examples
    --------
    >>> from analysis import Study
    >>> villages = [(village, 2022 if village < 3 else None) for village in range(8)]
    >>> rows = [(v, year, start, 10 + v * year % 7) for v, start in villages for year in range(2019, 2024)]
    >>> panel = pd.DataFrame(rows, columns=["village", "year", "start", "score"])
    >>> names = {"unit": "village", "time": "year", "first_treated": "start", "outcomes": ["score"]}
    >>> examine(Study.from_frame(panel, **names))["moved_reports"].found
    'The marks are amounts in CNY, and the outcome is not in CNY.'
    """
    outcome = outcome or study.primary_outcome
    headline = estimate_or_refusal(did, study, outcome)
    asked = tqdm(CHECKS, desc="threats", disable=None, leave=False)
    return Examination(study, outcome, headline, {check.__name__: check(study, outcome) for check in asked})
