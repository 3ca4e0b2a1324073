"""Few-district difference-in-differences for village panels.

Describe the design once (`load_study`, `Study`), then ask: `did`, `event_study`. Results are sentences with
`.frame()` for a table and `.regression` for the statsmodels fit.
"""

from importlib import import_module

from analysis.effects.cohorts import with_starts
from analysis.effects.comparison import compare
from analysis.effects.estimate import Estimate
from analysis.effects.event_study import EventStudy
from analysis.effects.randomization import randomization
from analysis.effects.verbs import did, event_study
from analysis.inference.honest_bounds.bounds import honest_bounds
from analysis.messages import FewTreatedGroupsWarning, StudyError
from analysis.reading.read_files import read_table
from analysis.reading.study_file import load_study
from analysis.study.outcome import Outcome
from analysis.study.placebo_groups import placebo_groups
from analysis.study.study import Study

__version__ = "0.1.0"

# What shows, repeats or checks is imported when first used, so that estimation stays light.
ROOMS = {
    "design.power": ("minimum_detectable_effect", "power_curve"),
    "design.rejection_rates": ("rejection_rates",),
    "presentation.curves": ("plot_power", "plot_specifications"),
    "presentation.descriptive": ("balance", "four_means", "panel_coverage"),
    "presentation.plots": ("plot_coverage", "plot_event_study", "plot_rejection_rates", "plot_trends"),
    "presentation.style": ("use_style",),
    "presentation.tables": ("Table", "effects_table", "estimates_table", "event_study_table", "inference_table"),
    "reading.prices": ("other_prices",),
    "report.check": ("check_study",),
    "robustness.across_outcomes": ("across_outcomes",),
    "robustness.bunching": ("bunching",),
    "robustness.districts": ("by_district",),
    "robustness.dominance": ("dominance",),
    "robustness.estimands": ("estimands",),
    "robustness.exposure": ("exposure_by_year",),
    "robustness.leave_one_out": ("leave_one_out",),
    "robustness.other_estimators": ("bacon_weights", "not_yet_treated"),
    "robustness.other_starts": ("other_starts",),
    "robustness.partitions": ("partition_sensitivity",),
    "robustness.placebo_starts": ("placebo_starts",),
    "robustness.reweighting": ("reweight",),
    "robustness.scale_evidence": ("scale_evidence",),
    "robustness.specifications": ("specification_curve",),
    "robustness.spillover": ("neighbours",),
    "robustness.synthetic": ("synthetic_did",),
    "simulation.simulate": ("simulate_panel", "simulated_gains", "write_simulated"),
}
LATER = {name: room for room, names in ROOMS.items() for name in names}

__all__ = [
    "Estimate",
    "EventStudy",
    "FewTreatedGroupsWarning",
    "Outcome",
    "Study",
    "StudyError",
    "compare",
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
