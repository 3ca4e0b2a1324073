"""Files as offices keep them, with a study.toml, turned into a `Study`.

Every conversion and every row left out is reported; nothing is guessed in silence.
It imports `messages`, `language` and `study`.
"""
