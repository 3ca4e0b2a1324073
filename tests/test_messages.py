"""How the library speaks: refusals, numbers shown together, and former names."""

import locale
import pickle
import re

import pytest

from analysis import did, load_study
from analysis.messages import (
    StudyError,
    amount,
    amounts,
    check_shares,
    check_whole,
    count,
    first,
    former_options,
    refuse,
)


def test_a_refusal_counts_all_and_names_three():
    with pytest.raises(StudyError, match=r"^The code is empty in 4 counties: a, b, c, \.\.\.\. Fill it in\.$"):
        refuse(iter("abcd"), "county", "The code is empty", "Fill it in.")


def test_nothing_found_is_not_refused():
    refuse(iter(()), "county", "The code is empty", "Fill it in.")


@pytest.mark.parametrize(
    ("numbers", "shown"),
    [
        # Half-widths 28,123; 2.4; 0.18; 0.000027: two significant digits of each, but never less than whole numbers.
        ((16620.3, -11503.2, 44743.8), ("16,620", "−11,503", "44,744")),
        ((11.94, 9.54, 14.34), ("11.9", "9.5", "14.3")),
        ((0.1234, -0.0561, 0.3029), ("0.12", "−0.06", "0.30")),
        ((0.000137, 0.00011, 0.000164), ("0.000137", "0.000110", "0.000164")),
        # 0.0996 is 0.10 with two digits, and so asks for no third decimal.
        ((0.5, 0.4004, 0.5996), ("0.50", "0.40", "0.60")),
        # One end is not known, or none: the other still sets the digits.
        ((0.5, 0.1, float("inf")), ("0.50", "0.10", "∞")),
        ((1234.5, float("nan"), float("nan")), ("1,234", "nan", "nan")),
        # Rounding noise is not a result of its own, nor has zero a sign.
        ((0.0, -1e-15, 1e-15), ("0", "0", "0")),
        ((-0.0001, -0.5, 0.5), ("0.00", "−0.50", "0.50")),
    ],
)
def test_numbers_shown_together_keep_two_digits_of_the_half_width(numbers, shown):
    assert amounts(*numbers) == shown


@former_options(pseudo_groups="placebo_group_size", log=("scale", {True: "log", False: "level"}))
def verb(outcome, *, scale=None, placebo_group_size=None):
    """Answer with what it was given."""
    return outcome, scale, placebo_group_size


def test_a_former_option_goes_on_working_and_gives_the_new_one():
    with pytest.warns(FutureWarning, match=r"^verb\(\) takes pseudo_groups= until version 0\.3 only\. Write") as said:
        assert verb("y", pseudo_groups=5) == ("y", None, 5)
    assert said[0].filename == __file__, "the warning points at the caller's line"
    with pytest.warns(FutureWarning, match=r"Write scale='level'\.$"):
        assert verb("y", log=False) == ("y", "level", None)
    with pytest.warns(FutureWarning, match=r"Write scale=None\.$"):
        assert verb("y", log=None) == ("y", None, None)


def test_an_option_under_both_names_is_refused():
    with pytest.raises(TypeError, match=r"^verb\(\) got log= and scale=, the same\. Write scale=\.$"):
        verb("y", log=True, scale="log")


def test_options_of_today_bring_no_warning(recwarn):
    assert verb("y", scale="log") == ("y", "log", None)
    assert len(recwarn) == 0


@former_options(seed=None)
def fixed(outcome):
    """Answer with what it was given."""
    return outcome


def test_an_option_that_went_is_taken_and_said_to_change_nothing():
    with pytest.warns(FutureWarning, match=r"^fixed\(\) takes seed= until version 0\.3 only\. It no longer changes an"):
        assert fixed("y", seed=7) == "y"


@pytest.mark.parametrize("number", [0, 1.5, float("nan"), -1])
def test_what_must_be_a_whole_number_is_checked(number):
    with pytest.raises(ValueError, match=rf"^draws must be a whole number and at least 1, not {number}\.$"):
        check_whole(1, draws=number)


@pytest.mark.parametrize("share", [0, 1, 95, float("nan")])
def test_what_must_be_a_share_is_checked(share):
    with pytest.raises(ValueError, match=rf"^level must lie between 0 and 1, not {share}\.$"):
        check_shares(level=share)


def test_a_small_number_alone_keeps_two_digits():
    assert [amount(number) for number in (0.000137, -0.00234, 0.0281, 0.5, 5.25, 12.34)] == [
        "0.00014",
        "−0.0023",
        "0.028",
        "0.500",
        "5.250",
        "12.3",
    ]


def test_two_studies_in_one_process_speak_two_languages():
    english, chinese = load_study(language="en"), load_study(language="zh")
    with pytest.raises(StudyError) as in_english:
        did(english, "households", controls=["households"])
    with pytest.raises(StudyError) as in_chinese:
        did(chinese, "households", controls=["households"])
    assert str(in_english.value) == "The outcome 'households' is also a control. Leave it out of the controls."
    assert str(in_chinese.value) == "指标“households”同时列为控制变量。请将其从controls中去掉。"
    assert in_chinese.value.said("en") == str(in_english.value)


def test_an_error_and_its_texts_survive_another_process():
    error = StudyError("{found} left: {names}.", found=count(2, "village"), names=first("abcd"))
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == "2 villages left: a, b, c, ...."
    assert again.args[0].made_of[2]["found"].said("zh") == "2个村"
    assert again.args[0].made_of[2]["names"].said("zh") == "a、b、c等"


@pytest.mark.parametrize(
    ("console", "text", "language"),
    [
        ("zh_CN", "no toml", "zh"),
        ("en_GB", "no toml", "en"),
        ("zh_CN", 'language = "en"', "en"),
        ("en_GB", 'language = "zh"', "zh"),
    ],
)
def test_before_a_file_is_understood_the_console_says_the_language(tmp_path, monkeypatch, console, text, language):
    monkeypatch.delenv("STUDY_LANGUAGE", raising=False)
    monkeypatch.setattr(locale, "getlocale", lambda: (console, "UTF-8"))
    (tmp_path / "study.toml").write_text(text, encoding="utf-8")
    with pytest.raises(StudyError) as refusal:
        load_study(tmp_path / "study.toml")
    assert refusal.value.language == language
    assert bool(re.search("[\u4e00-\u9fff]", str(refusal.value))) == (language == "zh")
