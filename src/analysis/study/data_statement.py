"""What a panel holds and where it comes from, in one sentence."""

from typing import Any

from analysis.language.labels import joined
from analysis.language.texts import Text, count
from analysis.messages import fixed


def data_statement(study: Any) -> str:
    """The sentence in the study's language, and what the study assumes."""
    units = study.units
    treated = units["first_treated"].notna()
    inside, outside = units["group"].groupby(~treated).nunique()
    cut = {"number": study.placebo_group_count, "size": count(study.placebo_group_size, study.noun)}
    placebo = ", {number} of them placebo groups of about {size} cut by {order} order"
    if study.placebo_group_count == outside:
        placebo = ", all of them placebo groups of about {size} cut by {order} order"
    sentence = (
        "{data}: {units} ({treated} treated in {inside}, {untreated} untreated in {outside}{placebo}), {begins}-{ends}."
    )
    if study.mixed:
        sentence = (
            "{data}: {units} ({treated} treated, {untreated} untreated, in the same {inside}{placebo}), "
            "{begins}-{ends}."
        )
    statement = study.say(
        sentence,
        units=count(len(units), study.noun),
        treated=fixed(treated.sum(), 0),
        inside=count(inside, "group"),
        untreated=fixed((~treated).sum(), 0),
        outside=count(outside, "group"),
        placebo=Text(placebo, order=Text(study.placebo_order), **cut) if study.placebo_group_count else "",
        begins=study.frame["time"].min(),
        ends=study.frame["time"].max(),
    )
    return joined(study.language, filter(None, [statement, study.assumptions]))
