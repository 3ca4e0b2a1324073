"""What `event_study` returns: effects by years since the start of treatment, with all they rest on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from statsmodels.regression.linear_model import RegressionResults

from analysis.effects.cohorts import Aggregate, aggregated_effects
from analysis.effects.comparison import compare
from analysis.effects.estimate import Estimate
from analysis.effects.honest_bounds import BothBounds, HonestBounds, check_lags, of_which, path_bounds
from analysis.effects.pretrend import Pretrend
from analysis.effects.ratio_of_totals import refuse_dominated
from analysis.inference.honest_bounds.bounds import KINDS
from analysis.inference.hypothesis import HypothesisTest
from analysis.inference.methods import HEADLINE
from analysis.inference.pretrends import joint_pretrend, pooled_covariance, slope_weights
from analysis.messages import Listed, Sentence, StudyError, Text, count, fixed
from analysis.regression.regression import Effect, Regression, weighted_sum
from analysis.study.study import Study


@dataclass(frozen=True)
class EventStudy(Sentence):
    """Effects by years since the start of treatment, all from one regression.

    Attributes
    ----------
    reference : int
        The event time whose effect is zero by construction.
    event_times : tuple of int
        Estimated event times, ascending, without the reference.
    effects : tuple of Effect
        One per event time.
    """

    study: Study
    outcome: str
    estimator: str
    reference: int
    fitted: Regression
    event_times: tuple[int, ...]
    effects: tuple[Effect, ...]

    @property
    def regression(self) -> RegressionResults:
        """The statsmodels results, errors clustered by group (CR1)."""
        return self.fitted.results

    @property
    def scale(self) -> str:
        """On which scale the outcome was analysed: "level", "log" or "poisson"."""
        return self.fitted.sample.scale

    @property
    def baseline(self) -> str:
        """The years the effects are measured against, in words."""
        return f"the year at event time {fixed(self.reference, 0)}"

    def estimate(self, event_time: int) -> Estimate:
        """The effect at one event time."""
        if event_time not in self.event_times:
            fault = "Event time {time} is not estimated; choose from {known}."
            raise StudyError(fault, time=event_time, known=list(self.event_times))
        return self.of(self.effects[self.event_times.index(event_time)])

    def average(self) -> Estimate:
        """The average effect over all treated village-years, against the reference year.

        Unlike `did`, whose baseline is all years before treatment; report both and name the baseline.
        """
        return self.of(self.fitted.average(self.fitted.event_times >= 0))

    def of(self, effect: Effect) -> Estimate:
        """Any other effect of this regression as an estimate."""
        return Estimate(self.study, self.outcome, self.estimator, self.baseline, self.fitted, effect)

    @property
    def no_interval(self) -> str:
        """Which event times have no headline interval, and why, each reason once; empty where all have one."""
        study, whole, times = self.study, self.average().dominance, dict[str, list[int]]()
        for time in self.event_times:
            estimate = self.estimate(time)
            if reason := (estimate.dominance and whole) or estimate.no_interval:
                times.setdefault(reason, []).append(time)
        if [*times.values()] == [[*self.event_times]]:
            return study.say("no interval: {reason}", reason=study.term(next(iter(times))))
        phrase = "no interval at event time {times}: {reason}"
        said = (
            study.say(phrase, times=Listed(fixed(time, 0) for time in at), reason=study.term(why))
            for why, at in times.items()
        )
        return study.say("; ").join(said)

    def aggregate(self, by: str) -> Aggregate:
        """Effects by event time, start-year cohort or calendar year, and their average.

        Use it with several start years. Each part averages village-years under treatment. The overall effect averages
        event times or calendar years alike, cohorts by their villages; `average`, all village-years alike, is the
        fourth, "simple" one. On a balanced panel without controls these are Callaway & Sant'Anna's aggregates with
        never-treated controls. Every one is an `Estimate` of the same regression, for any inference.

        Parameters
        ----------
        by : {"event_time", "cohort", "calendar"}

        Raises
        ------
        StudyError
            When the event study pools several start years.

        References
        ----------
        Callaway & Sant'Anna (2021), doi:10.1016/j.jeconom.2020.12.001.

        Examples
        --------
        >>> from analysis import event_study, load_study
        >>> list(event_study(load_study(), "households").aggregate("calendar").parts)
        [2023, 2024]
        """
        parts, overall = aggregated_effects(self.fitted, self.study.starts, by)
        return Aggregate(by, {name: self.of(effect) for name, effect in parts.items()}, self.of(overall))

    def frame(self, method: str = HEADLINE, level: float = 0.95) -> pd.DataFrame:
        """Estimates by `event_time`: estimate, std_error, low, high, p_value, villages (treated, behind it).

        Inference is the headline's (CR2) unless another method of `Estimate.inference` is named; it is missing where no
        standard error can be believed, as where a single treated group stands behind an event time.
        """
        estimates = {time: self.estimate(time) for time in self.event_times}
        columns = ["estimate", "std_error", "low", "high", "p_value"]
        frame = compare(estimates, method=method, level=level)[columns]
        frame.loc[self.reference] = [0.0, *[np.nan] * 4]
        villages = [*map(self.fitted.sample.villages_at, frame.index)]
        return frame.assign(villages=villages).sort_index().rename_axis("event_time")

    def pretrend(self) -> Pretrend:
        """Whether treated and untreated groups moved together before: the linear slope of the leads, and a joint test.

        A joint test that the design cannot bear (fewer than three treated groups, say) is refused in its note; both are
        where one group has most of the treated total.
        """
        path = self.path()
        times = [time for time in path.event_times if time < 0]
        if not times:
            known = "estimated beside the reference"
            if len(path.event_times) < len(self.event_times):
                known = "reached by every start year"
            fault = "No year before treatment is {known}, so there is no pre-trend to test. Add earlier years."
            raise StudyError(fault, known=Text(known))
        leads = path.effects[: len(times)]
        slope = self.of(weighted_sum(leads, slope_weights([*times, self.reference])[:-1]))
        try:
            joint = HypothesisTest(note=slope.dominance) if slope.dominance else joint_pretrend(self.fitted, leads)
        except StudyError as error:
            joint = HypothesisTest(note=Text("refused: {reason}", reason=error.args[0]))
        treated = float(self.average().effect.gradient @ self.fitted.event_times)
        reach = (treated - self.reference, treated - float(np.mean([*times, self.reference])))
        return Pretrend(slope, joint, len(leads), reach)

    def path(self) -> EventStudy:
        """The event study with the same cohorts all along: what tests of pre-trends and honest bounds compare.

        With several start years the average at each event time is of the cohorts that reach it, so that it jumps where
        one drops out and turns with the cohorts' own trends. Here every cohort weighs as much as it does in the
        reference year, over the event times that every start year reaches.
        """
        fitted, sample = self.fitted, self.fitted.sample
        if fitted.kind != "cohort_event_time":
            return self
        cohort, seen = np.array([cohort for cohort, _ in fitted.labels]), sample.event_time == self.reference
        size = np.bincount(sample.frame["first_treated"][seen].to_numpy(dtype=int), fitted.weights[seen])[cohort]
        inside = {time: fitted.event_times == time for time in self.event_times}
        weights = {time: at * size for time, at in inside.items() if at.sum() == len(np.unique(cohort))}
        effects = tuple(fitted.combination(one / one.sum()) for one in weights.values())
        return replace(self, event_times=tuple(weights), effects=effects)

    def groups_behind(self) -> pd.Series:
        """Treated groups behind each event time, the reference included: a jump where one drops out is no effect."""
        sample = self.fitted.sample
        shown = np.isin(sample.event_time, [*self.event_times, self.reference])
        at = pd.Index(sample.event_time[shown].astype(int), name="event_time")
        return sample.frame["group"][shown].astype(str).set_axis(at).groupby(level=0).nunique()

    def covariance(self) -> pd.DataFrame:
        """Covariance of all estimated event times that few treated groups can bear; see `pooled_covariance`.

        Refused where one group has most of the treated total, as intervals are.
        """
        refuse_dominated("No covariance", self.average().dominance, self.study.noun)
        times = pd.Index(self.event_times, name="event_time")
        return pd.DataFrame(pooled_covariance(self.fitted, self.effects)[0], index=times, columns=times)

    def honest_bounds(
        self,
        kind: str = "relative_magnitudes",
        values: Sequence[float] | None = None,
        level: float = 0.95,
        weights: Sequence[float] | None = None,
    ) -> HonestBounds:
        """Intervals that hold when parallel trends fail by so much, and how far they may fail.

        Use it to say how far the answer rests on parallel trends. It takes `pooled_covariance` and t quantiles with
        d(G1 - C) degrees of freedom: d leads and lags, G1 treated groups, C start years. The last year before must be
        the reference, and every year estimated from the first lead to the last lag, or the same in other equal steps.

        Parameters
        ----------
        kind, level
            As in `analysis.honest_bounds`.
        values : sequence of float, optional
            As in `analysis.honest_bounds`; default: 0, 0.5, 1, 1.5, 2 for relative magnitudes; for smoothness 0, 0.25,
            0.5, 0.75 and 1 times the largest change of slope estimated before (with one lead: times the slope itself).
        weights : sequence of float, shape (lags,), optional
            The effect asked for, on the path's lags (see `path`). Default: `average`; where a start year does not reach
            every event time, the average over those that all reach, which the sentence says and sets beside it.

        Raises
        ------
        StudyError
            Unequal steps, missing years, no lead, a design that `pooled_covariance` refuses, or one group with most of
            the treated total.

        Examples
        --------
        >>> from analysis import event_study, load_study
        >>> bounds = event_study(load_study(), "households").honest_bounds(values=[0, 1])
        >>> bounds.frame["value"].tolist(), bounds.df
        ([0.0, 1.0], 32)
        """
        path, whole = self.path(), self.average()
        lags = [time for time in path.event_times if time >= 0]
        check_lags(lags, weights)
        cells = self.fitted.event_times[:, None] == lags
        # A village-year counts in the bounds as it does in the effect: by its share of the counterfactual total.
        effect = self.fitted.average(cells.any(axis=1))
        shares = effect.gradient @ cells if weights is None else np.asarray(weights, dtype=float)
        estimate = self.of(effect if weights is None else weighted_sum(path.effects[-len(lags) :], shares))
        refuse_dominated("No honest bounds", estimate.dominance or whole.dominance, self.study.noun)
        which = of_which(estimate, whole, lags, weights)
        effects = dict(zip(path.event_times, path.effects, strict=True))
        return path_bounds(estimate, which, effects, self.reference, shares, kind, values, level)

    def both_bounds(self) -> BothBounds:
        """Honest bounds of both kinds: departures like those before, and a bend in the linear trend before."""
        return BothBounds(*(self.honest_bounds(kind) for kind in KINDS))

    def __repr__(self) -> str:
        return self.study.say(
            "Event study with {before} before the reference (event time {reference}) and {after}. "
            "Average over treated years: {average}",
            before=count(sum(time < self.reference for time in self.event_times), "year"),
            reference=fixed(self.reference, 0),
            after=count(sum(time >= 0 for time in self.event_times), "treated year"),
            average=repr(self.average()),
        )

    def small_print(self) -> str:
        """How the average was computed, in a line."""
        return self.average().small_print()
