"""From bytes to the network's input: decode under limits, turn upright, lay on white, shrink.

Training sees pictures through the same functions, so that it sees what the service sees.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from io import BytesIO

import numpy as np
import pillow_heif
from numpy.typing import NDArray

# Pillow registers a format when its plugin is imported; `Image.init()` would import forty of them.
from PIL import (
    AvifImagePlugin,  # noqa: F401
    BmpImagePlugin,  # noqa: F401
    ExifTags,
    GifImagePlugin,  # noqa: F401
    Image,
    ImageCms,
    JpegImagePlugin,  # noqa: F401
    PngImagePlugin,  # noqa: F401
    TiffImagePlugin,  # noqa: F401
    WebPImagePlugin,  # noqa: F401
)

from app.errors import CorruptImage, EmptyImage, ImageTooLarge, UnsupportedImage
from app.manifest import InputSpec, Window

pillow_heif.register_heif_opener(thumbnails=False)

FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "HEIF", "GIF", "BMP", "TIFF")
"""Pillow's names of the formats that are read; APNG is a PNG, and HEIC a HEIF."""

MAX_PIXELS = 50_000_000
WHOLE = Window()
SQUARE = InputSpec()

SOURCE_PIXELS = 4
"""A JPEG decoded at reduced scale leaves this many pixels per side for each pixel of the input."""

UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What undoes each orientation of EXIF tag 0x0112 (CIPA DC-008); 1 is upright."""


def decode(data: bytes, max_pixels: int = MAX_PIXELS, least_side: int | None = None) -> Image.Image:
    """The upright RGB picture in `data`: `open_image`, then `load_upright`, with their errors."""
    return load_upright(open_image(data, max_pixels, least_side))


def open_image(data: bytes, max_pixels: int, least_side: int | None = None) -> Image.Image:
    """Reads the header only, so that the limits hold before any pixel is decoded.

    With `least_side` a JPEG will be decoded at 1/2, 1/4 or 1/8 scale, as long as both sides keep that
    many pixels. Raises `EmptyImage`, `UnsupportedImage`, `CorruptImage` and, above `max_pixels`
    pixels, `ImageTooLarge`.
    """
    picture = _read_header(data)
    width, height = picture.size
    if width * height > max_pixels:
        raise ImageTooLarge(f"expected at most {max_pixels:,} pixels, received {width} x {height}")
    if width * height == 0:
        raise CorruptImage(f"expected a picture with an area, received {width} x {height} pixels")
    if least_side is not None:
        picture.draft(None, (least_side, least_side))  # does nothing unless it is a JPEG
    return picture


def load_upright(picture: Image.Image) -> Image.Image:
    """Decodes what `open_image` opened to upright RGB on white; raises `CorruptImage`."""
    try:
        picture.load()
        turn = UPRIGHT.get(_orientation(picture))
        rgb = _to_rgb(picture)
        return rgb if turn is None else rgb.transpose(turn)
    # Given broken bytes the decoders raise almost anything: OSError, SyntaxError, struct.error, ...
    except Exception as error:
        raise CorruptImage(f"the {picture.format} picture is truncated or corrupt: {error}") from error


def fit(picture: Image.Image, window: Window = WHOLE, spec: InputSpec = SQUARE) -> NDArray[np.float32]:
    """A window of an RGB picture as the network's input: float32 [height, width, 3] in 0..1."""
    return fit_uint8(picture, window, spec).astype(np.float32) / np.float32(255)


def fit_uint8(picture: Image.Image, window: Window = WHOLE, spec: InputSpec = SQUARE) -> NDArray[np.uint8]:
    """The same before its scaling, uint8 [height, width, 3]: training stores this.

    The whole window is stretched to the square by Pillow's antialiased bilinear filter, as SIGNS was.
    """
    width, height = picture.size
    box = (window.x0 * width, window.y0 * height, window.x1 * width, window.y1 * height)
    return np.asarray(picture.resize((spec.width, spec.height), Image.Resampling.BILINEAR, box))


def least_side(windows: Iterable[Window], spec: InputSpec) -> int:
    """The fewest pixels per side from which `fit` still averages `SOURCE_PIXELS` squared ones."""
    share = min(min(window.x1 - window.x0, window.y1 - window.y0) for window in windows)
    return int(np.ceil(SOURCE_PIXELS * max(spec.width, spec.height) / share))


def _read_header(data: bytes) -> Image.Image:
    if not data:
        raise EmptyImage("expected the bytes of a picture, received none")
    formats = _formats_of(data[:16])
    if not formats:
        raise UnsupportedImage(
            f"expected one of {', '.join(FORMATS)}, received bytes that begin as none of them"
        )
    try:
        return Image.open(BytesIO(data), formats=formats)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageTooLarge(str(error)) from error
    except Exception as error:
        raise CorruptImage(f"the {' or '.join(formats)} header is truncated or corrupt") from error


def _formats_of(prefix: bytes) -> tuple[str, ...]:
    """The formats on the allow-list that the first 16 bytes may begin."""
    accepts = ((name, Image.OPEN[name][1]) for name in FORMATS)
    return tuple(name for name, accept in accepts if accept is not None and accept(prefix) is True)


def _orientation(picture: Image.Image) -> int:
    """The EXIF orientation; 1, upright, where the block is missing or broken."""
    # A broken block may raise anything, and is no reason to refuse the picture.
    with suppress(Exception):
        return int(picture.getexif().get(ExifTags.Base.Orientation, 1))
    return 1


def _to_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):
        return _grey_from_16_bit(picture).convert("RGB")
    if picture.mode == "LAB":
        return _srgb_from_lab(picture)
    if picture.mode == "La":  # Pillow knows only this way out of premultiplied grey
        picture = picture.convert("LA")
    if picture.has_transparency_data:
        return _on_white(picture.convert("RGBA"))
    # A conversion to the same mode would copy all pixels for nothing.
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _grey_from_16_bit(picture: Image.Image) -> Image.Image:
    """0..65535 to 0..255, which are 257 apart; Pillow's own conversion would cut off at 255."""
    values = np.asarray(picture).clip(0, 65535).astype(np.uint32)
    return Image.fromarray(((values + 128) // 257).astype(np.uint8))


def _srgb_from_lab(picture: Image.Image) -> Image.Image:
    lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    converted = ImageCms.profileToProfile(picture, lab, srgb, outputMode="RGB")
    assert converted is not None  # it is None only when converting in place
    return converted


def _on_white(picture: Image.Image) -> Image.Image:
    canvas = Image.new("RGB", picture.size, "white")
    canvas.paste(picture, mask=picture)
    return canvas
