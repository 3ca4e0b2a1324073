"""The panel and its design: one validated village-year table that every verb takes.

It checks what a panel must hold and says what is wrong, where, and what to do.
It imports `messages` and `language`.
"""
