"""Few-district difference-in-differences for village panels.

Describe the design once (`load_study`, `Study`), then ask: `did`, `event_study`. Results are sentences with
`.frame()` for a table and `.regression` for the statsmodels fit.
"""

from importlib import import_module

from analysis.cohorts import with_starts
from analysis.effects import did, event_study
from analysis.estimates import Estimate, EventStudy
from analysis.honest_bounds import honest_bounds
from analysis.messages import FewTreatedGroupsWarning, StudyError
from analysis.placebo_groups import placebo_groups
from analysis.randomization import randomization
from analysis.reading.read_files import read_table
from analysis.reading.study_file import load_study
from analysis.study import Outcome, Study

__version__ = "0.1.0"

# Presentation, simulation and repetition are imported when first used, so that estimation stays light.
ROOMS = {
    "curves": ("plot_power", "plot_specifications"),
    "robustness.districts": ("by_district",),
    "partitions": ("partition_sensitivity",),
    "plots": ("plot_coverage", "plot_event_study", "plot_rejection_rates", "plot_trends"),
    "prices": ("other_prices",),
    "power": ("minimum_detectable_effect", "power_curve"),
    "reading.check": ("check_study",),
    "robustness.reweighting": ("reweight",),
    "robustness.side_by_side": ("across_outcomes", "estimands", "leave_one_out"),
    "simulate": ("simulate_panel", "simulated_gains", "write_simulated"),
    "size": ("rejection_rates",),
    "robustness.spillover": ("neighbours",),
    "robustness.specifications": ("specification_curve",),
    "robustness.staggered": ("bacon_weights", "not_yet_treated"),
    "style": ("use_style",),
    "robustness.synthetic": ("synthetic_did",),
    "tables": ("Table", "balance", "estimates_table", "event_study_table", "four_means", "inference_table")
    + ("panel_coverage",),
    "robustness.threats": ("bunching", "exposure_by_year", "other_starts", "placebo_starts"),
}
LATER = {name: room for room, names in ROOMS.items() for name in names}

__all__ = [
    "Estimate",
    "EventStudy",
    "FewTreatedGroupsWarning",
    "Outcome",
    "Study",
    "StudyError",
    "did",
    "event_study",
    "honest_bounds",
    "load_study",
    "placebo_groups",
    "randomization",
    "read_table",
    "with_starts",
    *LATER,
]


def __getattr__(name: str) -> object:
    if name not in LATER:
        raise AttributeError(f"module 'analysis' has no attribute {name!r}")
    return getattr(import_module(f"analysis.{LATER[name]}"), name)
