"""What `did` returns: an effect with all it rests on."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from statsmodels.regression.linear_model import RegressionResults

from analysis.effects.journal_column import JournalColumn
from analysis.effects.other_cuts import moved_by_other_cuts
from analysis.effects.ratio_of_totals import (
    dominance,
    effective_number,
    group_totals,
    is_ratio,
    large_villages,
    observed_mean,
    ratio_behind,
)
from analysis.effects.sentence import EffectSentence, specification
from analysis.inference.methods import HEADLINE, METHODS, group_pieces, hypothesis_test, infer
from analysis.messages import Text
from analysis.regression.regression import Effect, Regression
from analysis.study.outcome import LOG_POINTS
from analysis.study.study import Study

# A counterfactual mean this small relative to the treated mean is rounding, and no base for a per cent.
ZERO_TOLERANCE = 1e-9


@dataclass(frozen=True, repr=False)
class Estimate(JournalColumn, EffectSentence):
    """One effect with all it rests on; its repr is a sentence.

    Attributes
    ----------
    study, outcome, estimator, baseline
        What was estimated, how, and which years it is measured against.
    effect : Effect
        The estimate, and its gradient by the coefficients of the regression's treatment cells.
    """

    study: Study
    outcome: str
    estimator: str
    baseline: str
    fitted: Regression
    effect: Effect

    @property
    def scale(self) -> str:
        """On which scale the outcome was analysed: "level", "log" or "poisson"."""
        return self.fitted.sample.scale

    @property
    def is_ratio(self) -> bool:
        """Whether the effect is a ratio of totals, said in per cent and as an amount; else it is linear."""
        return is_ratio(self.fitted, self.effect)

    @property
    def value(self) -> float:
        """The estimated effect, in `unit`."""
        return self.effect.value

    @property
    def unit(self) -> str:
        """Unit of the effect: the outcome's, or log points."""
        return self.study.effect_unit(self.outcome, self.scale)

    @property
    def percent(self) -> float:
        """In per cent of the treated villages' counterfactual mean (logs: geometric); NaN unless that is above zero."""
        return self.percent_of(self.value)

    def percent_of(self, effect: float) -> float:
        """Another size of the effect, such as an end of its interval, in per cent of the mean that it implies."""
        if self.unit == LOG_POINTS:
            return float(100 * np.expm1(effect))
        mean = self.effect.gradient @ (self.fitted.observed_totals() / self.fitted.cell_sizes())
        counterfactual = float(mean - effect)
        return 100 * effect / counterfactual if counterfactual > ZERO_TOLERANCE * abs(mean) else float("nan")

    @property
    def amount(self) -> float:
        """The effect in the outcome's unit, per treated village and year; in logs none.

        In per cent it is (observed - counterfactual total) / village-years, villages at zero in every year included.
        """
        return self.amount_of(self.value)

    def amount_of(self, effect: float) -> float:
        """Another size of the effect, such as an end of its interval, in the outcome's unit."""
        if self.is_ratio:
            return float(-observed_mean(self.fitted, self.effect) * np.expm1(-effect))
        return effect if self.unit != LOG_POINTS else np.nan

    @property
    def effective_treated_districts(self) -> float:
        """How many equally rich treated groups an effect in per cent would be worth; missing in other scales.

        1 / sum of squares of their shares of the counterfactual total; of a slope over event times, as of the average
        effect. Below two no method gives an interval; below three intervals promise too much.
        """
        return effective_number(self._totals) if len(self._totals) else np.nan

    @property
    def dominance(self) -> str:
        """Why the effect in per cent has no interval though several groups are treated: one has most of the total."""
        return dominance(self.treated_groups, self._totals) if len(self._totals) else ""

    @cached_property
    def _totals(self) -> np.ndarray:
        """Counterfactual total of each group behind the effect in per cent; none in other scales."""
        behind = ratio_behind(self.fitted, self.effect)
        return group_totals(self.fitted, behind) if behind else np.zeros(0)

    @property
    def regression(self) -> RegressionResults:
        """The statsmodels results, errors clustered by group (CR1)."""
        return self.fitted.results

    @property
    def rows(self) -> int:
        """Village-years used."""
        return self.fitted.sample.rows

    @property
    def villages(self) -> int:
        """Villages used."""
        return int(self.fitted.sample.units()["villages"].sum())

    @property
    def groups(self) -> int:
        """Groups (clusters) that tell of the effect, treated and untreated."""
        return len(group_pieces(self.fitted, self.effect).treated)

    @property
    def treated_groups(self) -> int:
        """Groups the effect rests on: those with a village seen both under the treatment in question and without."""
        return int(group_pieces(self.fitted, self.effect).treated.sum())

    @property
    def dropped(self) -> int:
        """Village-years left out; `fitted.sample.dropped` has the reasons."""
        return sum(self.fitted.sample.dropped.values())

    @property
    def no_interval(self) -> str:
        """Why this effect has no headline interval; empty where it has one."""
        test = hypothesis_test(self.fitted, self.effect)
        return self.dominance or test.caution or (test.note.split(";")[0] if np.isnan(test.std_error) else "")

    @cached_property
    def other_cuts(self) -> Text | str:
        """What is said of a headline p-value below 5 % that other cuts into placebo groups move over it, or ""."""
        return moved_by_other_cuts(self.study, self.fitted, self.effect, self.headline()["p_value"])

    def inference(
        self,
        methods: Sequence[str] = METHODS,
        cluster: str = "group",
        draws: int = 9999,
        seed: int = 2023,
        level: float = 0.95,
    ) -> pd.DataFrame:
        """Standard error, test of no effect and interval, one row per method.

        Use it to see how sure the design lets one be. With few treated groups rely on `cr2`, the headline of every
        sentence; with one, on none of them.

        Parameters
        ----------
        methods : sequence of {"cr1", "cr2", "cr3", "wild_bootstrap", "randomization"}
        cluster : {"group", "stratum", "unit"}
            What errors are clustered by; randomization always reassigns whole groups within strata.
        draws, seed : int
            Of the wild bootstrap and of randomization, which enumerate where they can.
        level : float
            Confidence level.

        Returns
        -------
        DataFrame
            Index `method`; columns std_error, statistic, df, p_value, low, high, note. The notes hold the numbers of
            clusters and treated clusters, the smallest attainable p, and what a method cannot say.

        Raises
        ------
        ValueError
            Unknown methods or clusters, or a level outside 0 to 1.

        Examples
        --------
        >>> from analysis import did, load_study
        >>> did(load_study(), "households").inference(["cr1", "cr2"]).index.tolist()
        ['cr1', 'cr2']
        """
        if not 0 < level < 1:
            raise ValueError(f"level must lie between 0 and 1, such as 0.95, not {level}.")
        asked = (methods if isinstance(methods, str) else tuple(methods), cluster, draws, seed, level)
        if asked not in self._inferred:
            self._inferred[asked] = self._infer(*asked)
        return self._inferred[asked].copy()

    @cached_property
    def _inferred(self) -> dict[tuple, pd.DataFrame]:
        """What was inferred before: a page asks for its sentence, its table and its figure one after the other."""
        return {}

    def _infer(self, methods: Sequence[str], cluster: str, draws: int, seed: int, level: float) -> pd.DataFrame:
        table = infer(self.fitted, self.effect, methods, cluster, draws=draws, seed=seed, level=level)
        if large := large_villages(self.study, self.fitted, self.effect) if self.is_ratio else []:
            table["note"] += f"; {', '.join(large)}"
        if self.dominance:
            table[table.columns.drop("note")] = np.nan
            table["note"] = f"{self.dominance}; " + table["note"]
        return table

    def p_values(self, methods: Sequence[str] = METHODS, cluster: str = "group", draws: int = 9999) -> pd.Series:
        """P-values alone, as in `inference`, without the time that intervals take."""
        informative = np.nan if self.dominance else 1.0
        return informative * infer(self.fitted, self.effect, methods, cluster, draws=draws, level=1.0)["p_value"]

    def frame(self) -> pd.DataFrame:
        """The estimate as one tidy row, with the headline inference (CR2)."""
        effect = {"unit": self.unit, "estimate": self.value, "per_cent": self.percent, "method": HEADLINE}
        about = ["estimator", "baseline", "rows", "villages", "groups", "treated_groups", "dropped"]
        row = {"outcome": self.outcome, **effect, **(test := self.headline().drop("note"))}
        for name, size_of in {"percent": self.percent_of, "amount": self.amount_of}.items():
            row[name] = size_of(self.value)
            row |= {f"{name}_{end}": size_of(test[end]) for end in ("low", "high")}
        row |= {name: getattr(self, name) for name in about} | specification(self.fitted.sample)
        return pd.DataFrame([row | {"data": self.study.label}])

    def headline(self, method: str = HEADLINE, level: float = 0.95) -> pd.Series:
        """One method's row of `inference`; missing numbers where no standard error can be believed (see `caution`)."""
        test = self.inference([method], level=level).iloc[0]
        if method != "randomization" and (warning := hypothesis_test(self.fitted, self.effect).caution):
            test[test.index.drop("note")] = np.nan
            test["note"] = warning
        return test
