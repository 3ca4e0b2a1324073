"""Mistakes in a study.toml as people type them: the cause is named and the right line shown."""

import pytest

from analysis import StudyError
from analysis.reading.toml_mistakes import read_toml

BACKSLASH = r"A backslash in double quotes begins a code, as \t for a tab"
QUOTES = "Text stands between straight quotes"
SIGNS = "Signs such as = and [ ] are half-width"
NAMES = "A name with other signs than Latin letters, digits, _ and - stands in quotes"
VALUE = "Text stands in quotes"
MISTAKES = [
    (r'panel = "data\table.csv"', BACKSLASH, 'panel = "data/table.csv"'),
    (r'panel = "C:\new\table.csv"', BACKSLASH, 'panel = "C:/new/table.csv"'),
    (r'panel = "data\panel.csv"  # the panel', BACKSLASH, 'panel = "data/panel.csv"  # the panel'),
    (r'membership = "D:\UK data\p.csv"', BACKSLASH, 'membership = "D:/UK data/p.csv"'),
    (r'panel = "\\server\share\p.csv"', BACKSLASH, 'panel = "//server/share/p.csv"'),
    ('panel = "data\\"', BACKSLASH, 'panel = "data/"'),
    (r'title = "a\qb"', BACKSLASH, r"title = 'a\qb'"),
    ("[outcomes.收入]", NAMES, '[outcomes."收入"]'),
    ("[outcomes.收入（万元）]", NAMES, '[outcomes."收入（万元）"]'),
    ('标题 = "t"', NAMES, '"标题" = "t"'),
    ("title = “孟州”", QUOTES, 'title = "孟州"'),
    ('title = "孟州”', QUOTES, 'title = "孟州"'),
    ("title = ‘孟州’", QUOTES, "title = '孟州'"),
    ("title = 「孟州」", QUOTES, 'title = "孟州"'),
    ('title ＝ "孟州＝"', SIGNS, 'title = "孟州＝"'),
    ("title ＝ “孟州”", f"{QUOTES}. {SIGNS}", 'title = "孟州"'),
    ("［columns］", SIGNS, "[columns]"),
    ("【columns】", SIGNS, "[columns]"),
    ("title = 孟州", VALUE, 'title = "孟州"'),
    ('title = "孟州', VALUE, 'title = "孟州"'),
    ("log = True", VALUE, "log = true"),
    ("title = ", None, None),
]


@pytest.mark.parametrize(("line", "cause", "right"), MISTAKES, ids=[line for line, *_ in MISTAKES])
@pytest.mark.parametrize("after", ["", "\nnoun = 'county'\n"])
def test_a_mistake_is_named_and_its_line_shown_as_it_should_be(tmp_path, line, cause, right, after):
    (tmp_path / "study.toml").write_text(f"# 研究\n\n{line}{after}", encoding="utf-8")
    with pytest.raises(StudyError) as refusal:
        read_toml(tmp_path / "study.toml")
    if cause is None:
        assert str(refusal.value).startswith("study.toml is not valid TOML: ")
        return
    assert str(refusal.value) == f"study.toml, line 3: {cause}. Write: {right}"
    (tmp_path / "study.toml").write_text(f"# 研究\n\n{right}{after}", encoding="utf-8")
    assert read_toml(tmp_path / "study.toml")


@pytest.mark.parametrize(
    ("encoding", "named"),
    [
        ("gb18030", "GB18030 (“ANSI” in Notepad)"),
        ("utf-16", "UTF-16 (“Unicode” in Notepad)"),
        ("utf-16-be", "UTF-16 (“Unicode” in Notepad)"),
        ("latin-1", "another encoding"),
    ],
)
def test_another_encoding_is_named(tmp_path, encoding, named):
    text = 'title = "café"' if encoding == "latin-1" else 'title = "孟州"'
    (tmp_path / "study.toml").write_bytes(text.encode(encoding))
    with pytest.raises(StudyError) as refusal:
        read_toml(tmp_path / "study.toml")
    assert str(refusal.value) == (f"study.toml is in {named}, not in UTF-8. Save it again with the encoding UTF-8.")


@pytest.mark.parametrize("content", [b"a,b\n1,2\n", b"PK\x03\x04\0", "村,年\n".encode("gb18030")])
def test_a_panel_in_place_of_its_study_file_is_recognised(tmp_path, content):
    (tmp_path / "panel.csv").write_bytes(content)
    with pytest.raises(StudyError, match=r"Name the study\.toml that describes the panel, not the panel itself\.$"):
        read_toml(tmp_path / "panel.csv")


@pytest.mark.parametrize("typed", [r"'data\panel.csv'", r'"data\\panel.csv"', '"data/panel.csv"'])
def test_paths_of_windows_are_read_everywhere(tmp_path, typed):
    (tmp_path / "study.toml").write_text(f"panel = {typed}", encoding="utf-8")
    assert read_toml(tmp_path / "study.toml") == {"panel": "data/panel.csv"}
