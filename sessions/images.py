"""Uploaded images: drawn anew before anybody sees them."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from flowpilot.errors import Invalid
from sessions import reencode

_SECONDS = 10
_SIGNS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a")


@dataclass(frozen=True)
class Picture:
    """An image that we drew."""

    media_type: str
    width: int
    height: int
    data: bytes


def looks_like_image(data: bytes) -> bool:
    """Whether the content, not the name, says that this is an image we take."""
    return data.startswith(_SIGNS) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP")


def draw_anew(data: bytes) -> Picture:
    """Return the image's first frame without anything else that was in its file. Raises Invalid."""
    command = [sys.executable, "-I", str(Path(reencode.__file__))]
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=_SECONDS, check=False, env={})  # noqa: S603
    except subprocess.TimeoutExpired as error:
        raise Invalid("That image takes too long to read. Paste a screenshot of it instead.") from error
    if done.returncode == reencode.TOO_LARGE:
        most, side = reencode.MOST_PIXELS // 1_000_000, f"{reencode.LONGEST_SIDE:,}"
        raise Invalid(
            f"That image is too large: {most} megapixels and {side} pixels a side are the most. Crop it, or paste a part."
        )
    if done.returncode:
        raise Invalid("That image cannot be read. Paste a screenshot of it, or save it as PNG or JPEG.")
    head, _, body = done.stdout.partition(b"\n")
    return Picture(data=body, **json.loads(head))
