"""From a folder with a ``study.toml`` to a `Study`: files read cell by cell, nothing guessed or lost."""
