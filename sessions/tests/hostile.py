"""Forty-five files that somebody might upload to do harm, made here."""

import io
import struct
import zipfile
import zlib

from PIL import Image, PngImagePlugin


def chunk(kind: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(
    width: int, height: int, *, mode: int = 2, data: bytes | None = None, extra: bytes = b"", depth: int = 8
) -> bytes:
    """A PNG by hand; `data` are the compressed pixels."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, mode, 0, 0, 0))
    pixels = zlib.compress(b"\x00" * (width * 3 + 1) * min(height, 50)) if data is None else data
    return b"\x89PNG\r\n\x1a\n" + header + extra + chunk(b"IDAT", pixels) + chunk(b"IEND")


def saved(kind: str, size=(40, 30), mode="RGB", **options) -> bytes:
    file = io.BytesIO()
    Image.new(mode, size, 7 if mode in "LP" else "teal" if mode == "RGB" else None).save(file, kind, **options)
    return file.getvalue()


def _zip_bomb() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", b"\0" * 5_000_000)
    return file.getvalue()


def _frames(count: int, size=(64, 64)) -> bytes:
    file = io.BytesIO()
    frames = [Image.new("P", size, number % 256) for number in range(count)]
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    return file.getvalue()


def _exif_bomb() -> bytes:
    exif = Image.Exif()
    exif[0x010E] = "x" * 60_000
    exif[0x0112] = 6
    return saved("JPEG", exif=exif)


def _texts() -> bytes:
    info = PngImagePlugin.PngInfo()
    for number in range(200):
        info.add_text(f"key{number}", "x" * 1000, zip=True)
    return saved("PNG", pnginfo=info)


_GOOD, _JPEG, _GIF, _WEBP = saved("PNG"), saved("JPEG"), _frames(2), saved("WEBP")
_SCRIPT = b"<script>alert(1)</script>"
_BOMB = zlib.compress(b"\x00" * 50_000_000)
FILES: dict[str, bytes] = {
    "bomb 20000x20000": png(20_000, 20_000),
    "bomb 48 kB of 16 bits": png(9_000, 9_000, depth=16, data=_BOMB[:48_000]),
    "a line of 100000 pixels": png(100_000, 1),
    "a column of 100000 pixels": png(1, 100_000),
    "two thousand million pixels": png(2**31 - 1, 1),
    "no width": png(0, 10),
    "no height": png(10, 0),
    "width beyond the format": b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", b"\xff" * 13),
    "pixels that inflate to 50 MB": png(10, 10, data=_BOMB),
    "pixels that do not inflate": png(10, 10, data=b"\x00" * 100),
    "no pixels": png(10, 10, data=b""),
    "half a PNG": _GOOD[: len(_GOOD) // 2],
    "a PNG header alone": _GOOD[:8],
    "a wrong checksum": _GOOD[:20] + b"\xff" + _GOOD[21:],
    "a chunk of 2 GB": _GOOD[:33] + struct.pack(">I", 2**31 - 1) + b"IDAT" + b"x" * 100,
    "an unknown colour type": png(10, 10, mode=5),
    "text chunks of 200 kB": _texts(),
    "a text chunk that inflates": png(10, 10, extra=chunk(b"zTXt", b"k\x00\x00" + _BOMB)),
    "a profile that inflates": png(10, 10, extra=chunk(b"iCCP", b"k\x00\x00" + _BOMB)),
    "a PNG with a script behind it": _GOOD + _SCRIPT,
    "a PNG with a zip behind it": _GOOD + _zip_bomb(),
    "a PNG with a script as comment": png(10, 10, extra=chunk(b"tEXt", b"Comment\x00" + _SCRIPT)),
    "half a JPEG": _JPEG[: len(_JPEG) // 2],
    "a JPEG header alone": _JPEG[:3],
    "a JPEG of 65500 pixels": _JPEG[:2]
    + _JPEG[2:].replace(struct.pack(">HH", 30, 40), struct.pack(">HH", 65500, 65500), 1),
    "a JPEG with a script behind it": _JPEG + _SCRIPT,
    "a JPEG with a script as comment": _JPEG[:2]
    + b"\xff\xfe"
    + struct.pack(">H", len(_SCRIPT) + 2)
    + _SCRIPT
    + _JPEG[2:],
    "a JPEG with a place and a name": _exif_bomb(),
    "a JPEG of noise": b"\xff\xd8\xff\xe0" + bytes(range(256)) * 40,
    "a GIF with a script behind it": _GIF + _SCRIPT,
    "a GIF of 500 frames": _frames(500),
    "a GIF of 65535 pixels": _GIF[:6] + b"\xff\xff\xff\xff" + _GIF[10:],
    "half a GIF": _GIF[: len(_GIF) // 2],
    "a GIF that is a script": b"GIF89a/*" + _SCRIPT + b"*/=1;",
    "half a WebP": _WEBP[: len(_WEBP) // 2],
    "a WebP that lies about its size": _WEBP[:4] + b"\xff\xff\xff\xff" + _WEBP[8:],
    "a WebP of nothing": b"RIFF\x00\x00\x00\x00WEBP",
    "a WebP of noise": b"RIFF\xff\x00\x00\x00WEBPVP8 " + bytes(range(200)),
    "an SVG": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>\x00',
    "a page": b"\x00<!doctype html>" + _SCRIPT,
    "a zip": _zip_bomb(),
    "a TIFF": saved("TIFF"),
    "a BMP": saved("BMP"),
    "an icon": saved("ICO"),
    "a program": b"\x7fELF" + b"\x00" * 200,
}
