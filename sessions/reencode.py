"""Draws an uploaded image anew; run by `sessions.images` in a process of its own, with little memory and little time.

Reads the file from standard input, writes one line of JSON and the new file to standard output. What it cannot do ends it with an error; nothing
of the file but its pixels survives. It imports nothing of FlowPilot, and Pillow only once its limits stand.
"""

import io
import json
import resource
import sys

MOST_PIXELS, LONGEST_SIDE = 40_000_000, 12_000
KEPT_SIDE = 2_560  # more the AI scales down itself
MOST_PNG = 3_500_000  # bytes; above this the picture is no screenshot
FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
TOO_LARGE = 3  # exit status


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (512 * 1024 * 1024,) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (10, 10))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    from PIL import Image, ImageOps

    Image.MAX_IMAGE_PIXELS = None  # counted here, before anything is decoded
    with Image.open(io.BytesIO(sys.stdin.buffer.read()), formats=FORMATS) as image:
        width, height = image.size
        if width * height > MOST_PIXELS or max(width, height) > LONGEST_SIDE:
            sys.exit(TOO_LARGE)
        is_photo = image.format == "JPEG"
        image.draft("RGB", (KEPT_SIDE, KEPT_SIDE))
        image.seek(0)
        image.load()
        image.thumbnail((KEPT_SIDE, KEPT_SIDE))
        upright = ImageOps.exif_transpose(image).convert("RGBA")
    drawn = Image.new("RGB", upright.size, "white")  # a new picture: no profile, no place, no comment comes along
    drawn.paste(upright, mask=upright.getchannel("A"))
    data = io.BytesIO()
    kind = "JPEG" if is_photo else "PNG"
    drawn.save(data, kind)
    if kind == "PNG" and data.tell() > MOST_PNG:
        kind, data = "JPEG", io.BytesIO()
        drawn.save(data, kind, quality=85)
    head = {"media_type": f"image/{kind.lower()}", "width": drawn.width, "height": drawn.height}
    sys.stdout.buffer.write(json.dumps(head).encode() + b"\n" + data.getvalue())


if __name__ == "__main__":
    main()
