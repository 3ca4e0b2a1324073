"""What an analysis returns: an effect, or effects by event time, with all it rests on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from statsmodels.regression.linear_model import RegressionResults

from analysis.effects.cohorts import Aggregate, aggregate
from analysis.inference.cluster_robust import FEW, FEW_TREATED, caution
from analysis.inference.honest_bounds.breakdown import HonestBounds, event_study_bounds
from analysis.inference.methods import HEADLINE, HEADLINE_NAME, METHODS, assignment_pieces, infer
from analysis.inference.pretrends import Pretrend, pooled_covariance, pretrend
from analysis.messages import StudyError, amount, count, in_sentence
from analysis.regression.regression import Regression
from analysis.study.study import Study

# A counterfactual mean this small relative to the treated mean is rounding, and no base for a per cent.
ZERO_TOLERANCE = 1e-9
ESTIMATORS = {
    "two_way": "two-way fixed effects",
    "saturated": "start-year cohorts saturated",
    "by_group": "treated groups saturated",
}


@dataclass(frozen=True)
class Estimate:
    """One effect with all it rests on; its repr is a sentence.

    Attributes
    ----------
    study, outcome, log, estimator, baseline
        What was estimated, how, and which years it is measured against.
    contrast : ndarray, shape (cells,)
        Weights on the regression's treatment cells.
    """

    study: Study
    outcome: str
    log: bool
    estimator: str
    baseline: str
    fitted: Regression
    contrast: np.ndarray

    @property
    def value(self) -> float:
        """The estimated effect, in `unit`."""
        return float(self.fitted.contrast(self.contrast) @ self.regression.params.to_numpy())

    @property
    def unit(self) -> str:
        """Unit of the effect: the outcome's, or log points."""
        return "log points" if self.log else self.study.describe(self.outcome).unit

    @property
    def percent(self) -> float:
        """The effect in per cent of the treated villages' counterfactual mean (logs: of the geometric one).

        NaN where that mean is not above zero, because a share of it would mislead.
        """
        return self.percent_of(self.value)

    def percent_of(self, effect: float) -> float:
        """Another size of the effect, such as an end of its interval, in per cent of the mean that it implies.

        The counterfactual mean is the treated villages' mean less the effect: a larger effect means a lower one.
        """
        if self.log:
            return float(100 * np.expm1(effect))
        membership, inside = self.fitted.membership, self.fitted.membership >= 0
        weights = np.ones(len(membership)) if self.fitted.sample.weights is None else self.fitted.sample.weights
        totals = np.bincount(membership[inside], (weights * self.fitted.sample.outcome)[inside], len(self.contrast))
        mean = self.contrast @ (totals / self.fitted.cell_weights())
        counterfactual = float(mean - effect)
        return 100 * effect / counterfactual if counterfactual > ZERO_TOLERANCE * abs(mean) else float("nan")

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
        """Groups (clusters) used, treated and untreated."""
        return self.fitted.sample.frame["group"].nunique()

    @property
    def treated_groups(self) -> int:
        """Groups the effect rests on: those with a village seen both under the treatment in question and without."""
        return int(assignment_pieces(self).treated.sum())

    @property
    def dropped(self) -> int:
        """Village-years left out for missing values; `fitted.sample.dropped` has the reasons."""
        return sum(self.fitted.sample.dropped.values())

    @property
    def no_interval(self) -> str:
        """Why this effect has no headline interval; empty where it has one."""
        test = self.headline()
        return test["note"].split(";")[0] if np.isnan(test["std_error"]) else ""

    def inference(
        self,
        methods: Sequence[str] = METHODS,
        cluster: str = "group",
        draws: int = 9999,
        seed: int = 2023,
        level: float = 0.95,
    ) -> pd.DataFrame:
        """Standard error, test of no effect and interval, one row per method.

        Use it to see how sure the design lets one be. With few treated groups lean on `cr2`, the headline of every
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
        return infer(self, methods, cluster, draws, seed, level)

    def frame(self) -> pd.DataFrame:
        """The estimate as one tidy row, with the headline inference (CR2)."""
        effect = {"unit": self.unit, "estimate": self.value, "per_cent": self.percent, "method": HEADLINE}
        about = ["estimator", "baseline", "rows", "villages", "groups", "treated_groups", "dropped"]
        row = {"outcome": self.outcome, **effect, **self.headline().drop("note")}
        row |= {name: getattr(self, name) for name in about} | {"data": self.study.label}
        return pd.DataFrame([row])

    def headline(self, method: str = HEADLINE, level: float = 0.95) -> pd.Series:
        """One method's row of `inference`; missing numbers where no standard error can be believed (see `caution`)."""
        test = self.inference([method], level=level).iloc[0]
        if method != "randomization" and (warning := caution(assignment_pieces(self))):
            test[test.index.drop("note")] = np.nan
            test["note"] = warning
        return test

    def _interval(self) -> str:
        """The headline interval in words, or why there is none."""
        placebo = f", {self.study.placebo_group_count} of them placebo groups" if self.study.placebo_group_count else ""
        clusters = f"{count(self.groups, 'group')}{placebo}, {self.treated_groups} treated"
        if self.no_interval:
            return f"no interval, {self.no_interval}; randomization may serve; {clusters}"
        test = self.headline()
        return (
            f"95 % interval {amount(test['low'])} to {amount(test['high'])}, {HEADLINE_NAME} ({test['df']:.1f}) "
            f"clustered by {clusters}{f', {FEW}' if self.treated_groups <= FEW_TREATED else ''}"
        )

    def __repr__(self) -> str:
        lost = count(self.dropped, f"{self.study.noun}-year")
        dropped = f", {lost} left out for missing values" if self.dropped else ""
        label = in_sentence(self.study.describe(self.outcome).label)
        value = f"{amount(self.value)} {self.unit}".rstrip()
        mean = f"counterfactual {'geometric ' if self.log else ''}mean"
        share = f", {self.percent:.1f} % of the {mean}" if np.isfinite(self.percent) else ""
        return (
            f"{self.study.label.capitalize()}: effect on {label} {value} "
            f"({self._interval()}){share}, against {self.baseline}; {count(self.villages, self.study.noun)}, "
            f"{count(self.rows, f'{self.study.noun}-year')}{dropped}; {ESTIMATORS[self.estimator]}."
            f"{''.join(f' {note}' for note in self.study.notes)}"
        )

    _repr_markdown_ = __repr__


@dataclass(frozen=True)
class EventStudy:
    """Effects by years since the start of treatment, all from one regression.

    Attributes
    ----------
    reference : int
        The event time whose effect is zero by construction.
    event_times : tuple of int
        Estimated event times, ascending, without the reference.
    contrasts : ndarray, shape (event times, cells)
        Weights on the regression's treatment cells, one row per event time.
    """

    study: Study
    outcome: str
    log: bool
    estimator: str
    reference: int
    fitted: Regression
    event_times: tuple[int, ...]
    contrasts: np.ndarray

    @property
    def regression(self) -> RegressionResults:
        """The statsmodels results, errors clustered by group (CR1)."""
        return self.fitted.results

    @property
    def baseline(self) -> str:
        """The years the effects are measured against, in words."""
        return f"the year at event time {self.reference}"

    def estimate(self, event_time: int) -> Estimate:
        """The effect at one event time."""
        if event_time not in self.event_times:
            raise StudyError(f"Event time {event_time} is not estimated; choose from {list(self.event_times)}.")
        return self.contrast(self.contrasts[self.event_times.index(event_time)])

    def average(self) -> Estimate:
        """The average effect over all treated village-years, against the reference year.

        Unlike `did`, whose baseline is all years before treatment; report both and name the baseline.
        """
        treated = np.array(self.event_times) >= 0
        weights = (self.contrasts[treated] != 0).any(axis=0) * self.fitted.cell_weights()
        return self.contrast(weights / weights.sum())

    def aggregate(self, by: str) -> Aggregate:
        """Effects by "event_time", "cohort" (start year) or "calendar" year, and their average; see `cohorts`."""
        return aggregate(self, by)

    def frame(self, method: str = HEADLINE, level: float = 0.95) -> pd.DataFrame:
        """Estimates by `event_time`: estimate, std_error, low, high, p_value, villages (treated, behind it).

        Inference is the headline's (CR2) unless another method of `Estimate.inference` is named; it is missing where no
        standard error can be believed, as where a single treated group stands behind an event time.
        """
        rows, villages_at = {}, self.fitted.sample.villages_at
        for time in self.event_times:
            estimate = self.estimate(time)
            test = estimate.headline(method, level)
            rows[time] = [estimate.value, *test[["std_error", "low", "high", "p_value"]], villages_at(time)]
        rows[self.reference] = [0.0, np.nan, np.nan, np.nan, np.nan, villages_at(self.reference)]
        columns = ["estimate", "std_error", "low", "high", "p_value", "villages"]
        frame = pd.DataFrame.from_dict(rows, orient="index", columns=columns).sort_index()
        return frame.astype({"villages": int}).rename_axis("event_time")

    def pretrend(self) -> Pretrend:
        """Whether treated and untreated groups moved together before: the linear slope, and a joint test."""
        return pretrend(self)

    def covariance(self) -> pd.DataFrame:
        """Covariance of all estimated event times that few treated groups can bear; see `pooled_covariance`."""
        return pooled_covariance(self)

    def honest_bounds(
        self,
        kind: str = "relative_magnitudes",
        values: Sequence[float] | None = None,
        level: float = 0.95,
        weights: Sequence[float] | None = None,
    ) -> HonestBounds:
        """Intervals that hold when parallel trends fail by so much, and how far they may; see `event_study_bounds`."""
        return event_study_bounds(self, kind, values, level, weights)

    def contrast(self, weights: np.ndarray) -> Estimate:
        """Any other contrast of this regression, from weights on its cells, shape (cells,)."""
        return Estimate(self.study, self.outcome, self.log, self.estimator, self.baseline, self.fitted, weights)

    def __repr__(self) -> str:
        before, after = np.less(self.event_times, self.reference).sum(), np.greater_equal(self.event_times, 0).sum()
        return (
            f"Event study with {count(before, 'year')} before the reference (event time {self.reference}) and "
            f"{count(after, 'treated year')}. Average over treated years: {self.average()!r}"
        )

    _repr_markdown_ = __repr__
