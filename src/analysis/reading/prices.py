"""Prices: the index of consumer prices, and a study's amounts in constant or in nominal ones."""

import dataclasses

import pandas as pd

from analysis.language.texts import first
from analysis.messages import StudyError
from analysis.reading.read_files import read_table
from analysis.study.study import Study

NOMINAL = "nominal"


def price_index(base: int) -> pd.Series:
    """Consumer prices in all China by year, one in the base year (`data/consumer_prices.csv`).

    Examples
    --------
    >>> price_index(2022)[[2021, 2022, 2023]].round(3).tolist()
    [0.98, 1.0, 1.002]
    """
    rises = read_table("consumer_prices").set_index("year")["change_per_cent"]
    index = (1 + rises / 100).cumprod()
    index[index.index[0] - 1] = 1.0
    return index.sort_index() / index[base]


def other_prices(study: Study, outcome: str) -> Study:
    """The study with an outcome in constant prices where it was nominal, and nominal where it was constant.

    Use it to see whether the answer depends on the prices. In logarithms it cannot: every village's income is divided
    by the same index, which the year effects take up. In levels later years get another weight. Constant prices are
    those of the year before the first start.

    Raises
    ------
    StudyError
        If the study does not say in which prices the outcome is, or has years that the index does not.

    Examples
    --------
    >>> from analysis import load_study
    >>> other_prices(load_study(), "collective_income_cny").describe("collective_income_cny").prices
    'nominal'
    """
    described, values = study.describe(outcome), study.column(outcome)
    if not described.prices:
        raise StudyError(
            'The study does not say in which prices {outcome!r} is. Write prices = "nominal", or such as '
            '"constant 2022", in study.toml.',
            outcome=outcome,
        )
    nominal = described.prices == NOMINAL
    base = study.starts[0] - 1 if nominal else int(described.prices.split()[-1])
    known = read_table("consumer_prices")["year"]
    if unknown := sorted({*study.frame["time"], base} - {known.min() - 1, *known}):
        fault = (
            "Consumer prices are at hand for {begins} to {ends}, not for {unknown}. Add these years to "
            "data/consumer_prices.csv, with their source, or leave them out with study.subset."
        )
        raise StudyError(fault, begins=known.min() - 1, ends=known.max(), unknown=first(unknown))
    level = study.frame["time"].map(price_index(base))
    frame = study.frame.assign(**{outcome: values / level if nominal else values * level})
    described = dataclasses.replace(described, prices=f"constant {base}" if nominal else NOMINAL)
    return dataclasses.replace(study, frame=frame, outcomes={**study.outcomes, outcome: described})
