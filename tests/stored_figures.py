"""Stored figures against fresh ones, pixel by pixel: nbval compares every output of a cell except pictures."""

import io
from base64 import b64decode
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from PIL import Image

FIGURE_TOLERANCE = 0.5
"""Root mean square difference of pixels, of 255. The same versions draw the same pixels; another order of additions
may shade the edge of a line. One marker that moves by its own width differs by about 2, a moved letter by more."""


def difference(stored: bytes, fresh: bytes) -> float:
    """Root mean square difference between the pixels of two PNG files; infinite where their sizes differ."""
    pixels = [np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"), dtype=float) for png in (stored, fresh)]
    return float(np.sqrt(np.mean(np.square(pixels[0] - pixels[1])))) if pixels[0].shape == pixels[1].shape else np.inf


def figures(outputs: Iterable[Mapping[str, Any]]) -> list[bytes]:
    """The figures among the outputs of a cell, as PNG files."""
    return [b64decode(one["data"]["image/png"]) for one in outputs if "image/png" in one.get("data", {})]


def changed_figures(stored: Iterable[Mapping[str, Any]], fresh: Iterable[Mapping[str, Any]]) -> list[str]:
    """Sentences that say which figures of a cell changed, empty where none did."""
    old, new = figures(stored), figures(fresh)
    if len(old) != len(new):
        return [f"{len(old)} figures are stored, {len(new)} were drawn."]
    found = [difference(*pair) for pair in zip(old, new, strict=True)]
    return [
        f"Figure {place} changed: pixels differ by {one:.2f} of 255 (root mean square), at most {FIGURE_TOLERANCE}."
        for place, one in enumerate(found, start=1)
        if one > FIGURE_TOLERANCE
    ]
