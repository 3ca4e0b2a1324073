"""Number formats: only a sign that is neither quoted nor escaped scales, in the section that shows the value."""

import pytest

from analysis.reading.number_formats import as_shown, format_pieces, is_divided, is_percent


@pytest.mark.parametrize(
    "drawn",
    [
        '0"%"',
        "0\\%",
        "0!%",
        '0.0" % of all"',
        '0.00;-0.00;"0%"',
        "0_%",
        "0*%",
        "[$%-804]0",
        "0.0;0%",
        "[<1]0%;0.0",
        '[Red]0.0"%',
        "0;0%;0%",
    ],
)
def test_a_percent_sign_that_is_only_drawn_scales_nothing(drawn):
    assert not is_percent(format_pieces(drawn, 35))


@pytest.mark.parametrize(
    ("scaled", "value"),
    [
        ("0%", 0.35),
        ("0.00%_)", 0.35),
        ("[Red]0.0 %", 0.35),
        ("0.0;[Red]-0%", -0.35),
        ('0"%"%', 0.35),
        ("0;0;0%", 0),
        ("[<1]0%;0.0", 0.35),
        ("[>=1]0.0;0%", 0.35),
        ('"a;b"0%', 0.35),
    ],
)
def test_a_percent_sign_of_the_section_in_use_scales(scaled, value):
    assert is_percent(format_pieces(scaled, value))


@pytest.mark.parametrize("divided", ['0!.0,"万"', '0"."0000"万元"', "0\\.0,", '#,##0,"千元"', '"0."0000', "0;0,;0"])
def test_what_divides_is_seen(divided):
    assert is_divided(format_pieces(divided, -12345 if ";" in divided else 12345))


@pytest.mark.parametrize("whole", ["#,##0.00_);(#,##0.00)", '0"."', '"No."0', '0", "', '"1,2"0', "0.00", "General"])
def test_what_is_only_drawn_divides_nothing(whole):
    assert not is_divided(format_pieces(whole, 12345))


@pytest.mark.parametrize(
    ("form", "digits", "shown"),
    [
        ("000", "2", "002"),
        ("000", "1234", "1234"),
        ("00-00", "102", "01-02"),
        ("00-00", "12345", "123-45"),
        ('"V"000_)', "2", "V002"),
        ("[Red]\\A000", "2", "A002"),
        ('"4108"000000', "1201", "4108001201"),
        ("#00;@", "2", "02"),
        ("000;-000;无", "0", "0"),
        ("General", "2", "2"),
        ("#,##0", "410883", "410883"),
        ("0.00", "12", "12"),
        ("0.00E+00", "500000", "500000"),
        ("@", "2", "2"),
    ],
)
def test_whole_numbers_are_read_as_they_are_shown(form, digits, shown):
    assert as_shown(format_pieces(form, int(digits)), digits) == shown
