"""The verbs: difference-in-differences and the event study, contrasts of one regression."""

from collections.abc import Mapping, Sequence

import numpy as np

from analysis.effects.estimate import Estimate
from analysis.effects.event_study import EventStudy
from analysis.messages import Listed, StudyError, Text, count, first, former_options, reasons
from analysis.regression import collapsing
from analysis.regression.comparison import comparable
from analysis.regression.regression import fit
from analysis.regression.sample import Sample, known_rows, without_zeros
from analysis.study.outcome import FORMER_LOG
from analysis.study.study import Study

# Which treatment cells each estimator saturates.
EFFECT_CELLS = {"two_way": "treated", "saturated": "cohort_year", "by_group": "group_year"}
# Regressors, and sums of their products by group, grow with the groups that have cells of their own.
MOST_OF_THEIR_OWN = 50
EVENT_CELLS = {"two_way": "event_time", "saturated": "cohort_event_time"}


@former_options(**FORMER_LOG)
def did(
    study: Study,
    outcome: str,
    *,
    estimator: str | None = None,
    controls: Sequence[str] | None = None,
    weights: str | None = None,
    scale: str | None = None,
    collapse: bool | None = None,
) -> Estimate:
    """Average effect of treatment on the treated by difference-in-differences, against all years before.

    Use it for the one number of a before-after, inside-outside comparison. It is a contrast of one two-way
    fixed-effects regression: with one start year the textbook coefficient; with several, every start-year cohort
    gets its own effect in every treated year, averaged with weights by treated village-years, because the
    textbook coefficient then mixes in comparisons with already treated villages.

    Parameters
    ----------
    study : Study
    outcome : str
        Column of the study's panel.
    estimator : {"two_way", "saturated", "by_group"}, optional
        Default: "two_way" with one start year, "saturated" with several; the result says which. "by_group" gives
        every treated group its own effect in every treated year, as `by_district` does.
    controls : sequence of str, optional
        Numeric columns; choose ones the policy cannot have changed. One that never changes within a village enters
        times year: a coefficient for every year but the first, which the sentence counts. In per cent such a control is
        a factor exp(coefficient x value): take its logarithm or standardise it. Default: the study's own; () for none.
    weights : str, optional
        Column of positive weights. Default: the study's own; "none" for none.
    scale : {"poisson", "log", "level"}, optional
        "poisson": the effect in per cent of the treated village-years' counterfactual total, zeros kept; "log": the
        average effect on the logarithm, which values at or below zero have not; "level": in the outcome's unit.
        Default: as the study describes the outcome.
    collapse : bool, optional
        Estimate from averages over villages alike in group, start year and years observed: the same numbers from
        fewer rows, but without residuals of single villages. Default: in panels above 30,000 rows, where there are
        neither controls nor weights. "by_group" never does.

    Returns
    -------
    Estimate

    Raises
    ------
    StudyError
        Missing, non-numeric or infinite columns, values log cannot take, or cells without a comparison.

    Notes
    -----
    Poisson regression here is quasi-maximum likelihood: it asks that means be proportional, not that outcomes be
    counts or vary as counts do (Gourieroux, Monfort & Trognon 1984). Zeros stay, and the answer does not hang on the
    unit, as that of log(1 + y) does (Santos Silva & Tenreyro 2006; Chen & Roth 2024). With several start years every
    cohort has effects of its own, averaged by their totals (Wooldridge 2023).

    References
    ----------
    Wooldridge (2025), "Two-way fixed effects, the two-way Mundlak regression, and difference-in-differences
    estimators", Empirical Economics, doi:10.1007/s00181-025-02807-z; Wooldridge (2023), "Simple approaches to nonlinear
    difference-in-differences with panel data", doi:10.1093/ectj/utad016. Gourieroux, Monfort & Trognon (1984),
    doi:10.2307/1913472. Santos Silva & Tenreyro (2006), doi:10.1162/rest.88.4.641. Chen & Roth (2024),
    doi:10.1093/qje/qjad054.

    Examples
    --------
    >>> from analysis import did, load_study
    >>> estimate = did(load_study(), "rural_income_per_head_cny", scale="log")
    >>> estimate.estimator, estimate.treated_groups, estimate.unit
    ('two_way', 5, 'log points')
    """
    estimator = _estimator(study, estimator, EFFECT_CELLS)
    scale = study.scale_of(outcome, scale)
    sample = _sample(study, outcome, controls, weights, scale, collapse if estimator != "by_group" else False)
    _check_cohorts(sample, estimator)
    if estimator == "by_group":
        _refuse_many(sample)
    fitted = fit(sample, EFFECT_CELLS[estimator])
    effect = fitted.average(np.ones(len(fitted.cells), dtype=bool))
    return Estimate(study, outcome, estimator, "all years before", fitted, effect)


@former_options(**FORMER_LOG)
def event_study(
    study: Study,
    outcome: str,
    *,
    estimator: str | None = None,
    reference: int | None = None,
    controls: Sequence[str] | None = None,
    weights: str | None = None,
    scale: str | None = None,
    collapse: bool | None = None,
) -> EventStudy:
    """Effects by years since treatment began, leads and lags alike, against one reference year.

    Use it to see whether inside and outside moved together before (the leads), and how the effect grew after.
    "saturated" gives every start-year cohort its own leads and lags and averages them by treated village-years:
    Sun & Abraham's estimator with never-treated controls, whose average over treated years is Callaway &
    Sant'Anna's simple aggregate on a balanced panel. "two_way" pools the cohorts in one set of leads and lags.

    Parameters
    ----------
    study, outcome, estimator, controls, weights, scale, collapse
        As in `did`.
    reference : int, optional
        Event time left out. Default: the last one before treatment at which the outcome is seen, -1 in most panels.

    Returns
    -------
    EventStudy

    Raises
    ------
    StudyError
        As in `did`, and where a start-year cohort is never seen at the reference.

    References
    ----------
    Sun & Abraham (2021), doi:10.1016/j.jeconom.2020.09.006; Callaway & Sant'Anna (2021),
    doi:10.1016/j.jeconom.2020.12.001.

    Examples
    --------
    >>> from analysis import event_study, load_study
    >>> event_study(load_study(), "rural_income_per_head_cny").frame().index.tolist()
    [-7, -6, -5, -4, -3, -2, -1, 0, 1]
    """
    estimator = _estimator(study, estimator, EVENT_CELLS)
    reference = last_before(study, outcome) if reference is None else reference
    if reference >= 0:
        fault = "reference must be an event time before treatment, such as -1, not {reference}."
        raise StudyError(fault, reference=reference)
    scale = study.scale_of(outcome, scale)
    sample = _sample(study, outcome, controls, weights, scale, collapse, reference)
    _check_cohorts(sample, estimator, reference)
    fitted = fit(sample, EVENT_CELLS[estimator], reference)
    times = tuple(np.unique(fitted.event_times).astype(int).tolist())
    effects = tuple(fitted.average(fitted.event_times == time) for time in times)
    return EventStudy(study, outcome, estimator, reference, fitted, times, effects)


def last_before(study: Study, outcome: str) -> int:
    """The last event time before the start at which the outcome is known, -1 where there is none."""
    event_time = (study.frame["time"] - study.frame["first_treated"]).where(study.column(outcome).notna())
    return int(max(event_time[(event_time < 0).fillna(False)], default=-1))


def _estimator(study: Study, estimator: str | None, known: Mapping[str, str]) -> str:
    if estimator is None:
        return "two_way" if len(study.starts) == 1 else "saturated"
    if estimator not in known:
        raise StudyError("estimator must be one of {known}, not {name!r}.", known=Listed(known), name=estimator)
    return estimator


def _sample(
    study: Study,
    outcome: str,
    controls: Sequence[str] | None,
    weights: str | None,
    scale: str,
    collapse: bool | None,
    reference: int | None = None,
) -> Sample:
    """The village-years used, collapsed if asked for or large; refused where they hold nothing to compare."""
    sample = known_rows(study, outcome, *study.specification(outcome, controls, weights), scale)
    # What is left out leaves from averages, not from a copy of a large panel.
    if len(sample.frame) and (collapsing.worth_collapsing(sample) if collapse is None else collapse):
        sample = collapsing.collapse(sample)
    sample = without_zeros(sample, study.noun) if scale == "poisson" else sample
    _check_usable(sample, outcome)
    sample = comparable(sample, study.noun, reference)
    _check_usable(sample, outcome)
    return sample


def _check_usable(sample: Sample, outcome: str) -> None:
    """The rows used hold treated and untreated villages, and years under treatment."""
    treated = sample.frame["first_treated"].notna()
    kinds = {
        "No treated village": treated,
        "No untreated village": ~treated,
        "No village-year under treatment": sample.event_time >= 0,
    }
    for nobody, mask in kinds.items():
        if not mask.any():
            fault = (
                "{nobody} has a usable {outcome!r}; rows left out: {reasons}. Fill in the missing values, or choose "
                "another outcome."
            )
            raise StudyError(fault, nobody=Text(nobody), outcome=outcome, reasons=reasons(sample.dropped))


def _refuse_many(sample: Sample) -> None:
    """No more treated groups than can have cells of their own."""
    units = sample.units()
    treated, groups = units.loc[units["first_treated"].notna(), "group"].nunique(), units["group"].nunique()
    if treated > MOST_OF_THEIR_OWN:
        fault = (
            "{treated:,} of {groups:,} groups are treated, too many to look at one by one: at most {most} can have "
            "effects of their own in one regression, and the strongest of {treated:,} would have an adjusted p of "
            "about {least:.2f} at best. Name larger groups, such as provinces, or take some of them with study.subset."
        )
        raise StudyError(fault, treated=treated, groups=groups, most=MOST_OF_THEIR_OWN, least=treated / groups)


def _check_cohorts(sample: Sample, estimator: str, reference: int | None = None) -> None:
    """Every start-year cohort (pooled: at least one) is observed before its start, or at the reference."""
    seen = sample.starts_before(reference)
    lost = sorted(sample.starts - seen)
    if lost and (estimator != "two_way" or not seen):
        when, remedy, gone = Text("before its start"), Text("Add earlier years"), []
        if reference is not None:
            when = Text("at the reference event time {reference}", reference=reference)
            remedy = Text("Choose another reference")
            gone = sorted({start + reference for start in lost} - {*sample.frame["time"]}) if sample.dropped else []
            before = np.unique(sample.event_time[sample.event_time < 0])[::-1].astype(int)
            usable = [time for time in before if sample.starts_before(time) == sample.starts]
            if usable:
                remedy = Text("Choose another reference, such as reference={usable}", usable=usable[0])
        why = Text(" ({years} left out: {reasons})", years=first(gone), reasons=reasons(sample.dropped))
        fault = "No village is observed {when} in {cohorts}: {found}{why}. {remedy}, or remove these villages."
        known = {"cohorts": count(len(lost), "start-year cohort"), "found": first(lost), "why": why if gone else ""}
        raise StudyError(fault, when=when, remedy=remedy, **known)
