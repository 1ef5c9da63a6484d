"""From bytes to the network's input: decode under limits, turn upright, lay on white, shrink.

Training sees pictures through the same functions, so that it sees what the service sees.
"""

from __future__ import annotations

import warnings
from contextlib import suppress
from io import BytesIO
from typing import NamedTuple

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
    PngImagePlugin,
    TiffImagePlugin,  # noqa: F401
    WebPImagePlugin,  # noqa: F401
)

from app.avif_frames import Malformed, most_pixels
from app.decoding_cost import BYTES_PER_PIXEL, bytes_per_pixel
from app.errors import CorruptImage, EmptyImage, ImageTooLarge, UnsupportedImage
from app.file_kinds import kind_of
from app.manifest import InputSpec, Window

pillow_heif.register_heif_opener(thumbnails=False)

FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "HEIF", "GIF", "BMP", "TIFF")
"""Pillow's names of the formats that are read; APNG is a PNG, and HEIC a HEIF."""

FORMATS_IN_WORDS = "JPEG, PNG, WebP, AVIF, HEIC, GIF, BMP or TIFF"

MAX_PIXELS = 50_000_000

# Pillow warns above this number of pixels, and refuses above twice as many; here both is refusal.
Image.MAX_IMAGE_PIXELS = 178_000_000
warnings.filterwarnings("ignore", module=r"PIL\.")  # Python would keep each text, which a sender chooses
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)
PngImagePlugin.MAX_TEXT_MEMORY = 4 * PngImagePlugin.MAX_TEXT_CHUNK  # all texts of one picture: 4 MB

LARGE = 4_000_000
"""Pixels above which a picture of any format is shrunk before it is converted."""
LONGEST = 8192
"""No side of a large picture stays longer than this."""

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


MOST_PADDING, LEAST_FRAME = 4, 256 * 256
"""How many times more pixels the frames of an AVIF may have than it shows, such as the last tiles of a grid;
a small picture may be in a frame of the second size."""


class Opened(NamedTuple):
    """A picture whose header has been read, and the memory that its decoding takes, in usual pixels."""

    picture: Image.Image
    cost: int


def decode(data: bytes, max_pixels: int = MAX_PIXELS, least_side: int | None = None) -> Image.Image:
    """The upright RGB picture in `data`: `open_image`, then `load_upright`, with their errors."""
    return load_upright(open_image(data, max_pixels, least_side).picture, least_side)


def open_image(data: bytes, max_pixels: int, least_side: int | None = None) -> Opened:
    """Reads the header only, so that the limits hold before any pixel is decoded.

    With `least_side` a JPEG will be decoded at 1/2, 1/4 or 1/8 scale, as long as both sides keep that
    many pixels. Raises `EmptyImage`, `UnsupportedImage`, `CorruptImage` and, above `max_pixels`
    pixels or where decoding would take more memory than as many usual pixels, `ImageTooLarge`.
    """
    picture = _read_header(data)
    width, height = picture.size
    if width * height > max_pixels:
        raise ImageTooLarge(f"expected at most {max_pixels:,} pixels, received {width} x {height}")
    if width * height == 0:
        raise CorruptImage(f"expected a picture with an area, received {width} x {height} pixels")
    weight = bytes_per_pixel(picture, data) / BYTES_PER_PIXEL
    if width * height * weight > max_pixels:
        raise ImageTooLarge(
            f"expected at most {int(max_pixels / weight):,} pixels in such a {picture.format}, which takes "
            f"more memory than others, received {width} x {height}"
        )
    if picture.format == "AVIF":
        _require_honest_frames(data, width * height)
    if least_side is not None:
        picture.draft(None, (least_side, least_side))  # does nothing unless it is a JPEG
    return Opened(picture, int(width * height * weight))


def _require_honest_frames(avif: bytes, told: int) -> None:
    """Raises `CorruptImage` where the frames have many more pixels than the container tells."""
    try:
        pixels = most_pixels(avif)
    except Malformed as error:
        raise CorruptImage(f"the AVIF picture is truncated or corrupt: {error}") from error
    if pixels > MOST_PADDING * max(told, LEAST_FRAME):
        raise CorruptImage(f"the AVIF picture has frames of {pixels:,} pixels, but tells of {told:,}")


def begins_like_image(data: bytes) -> bool:
    """Whether `data` begins as one of the formats on the allow-list does."""
    return bool(_formats_of(data[:16]))


def load_upright(picture: Image.Image, least_side: int | None = None) -> Image.Image:
    """Decodes what `open_image` opened to upright RGB on white; raises `CorruptImage`.

    With `least_side` a picture of more than `LARGE` pixels is shrunk, as far as both sides keep that many.
    """
    try:
        picture.load()
        turn = UPRIGHT.get(_orientation(picture))
        rgb = _to_rgb(picture) if least_side is None else _shrunk_to_rgb(picture, least_side)
        return rgb if turn is None else rgb.transpose(turn)
    # Given broken bytes the decoders raise almost anything: OSError, SyntaxError, struct.error, ...
    except Exception as error:
        raise CorruptImage(f"the {picture.format} picture is truncated or corrupt: {error}") from error


def small_jpeg(data: bytes, max_pixels: int, side: int, quality: int) -> bytes:
    """The picture in `data`, upright and at most `side` pixels wide and high; errors as of `decode`."""
    picture = decode(data, max_pixels, side)
    picture.thumbnail((side, side))
    jpeg = BytesIO()
    picture.save(jpeg, "JPEG", quality=quality)
    return jpeg.getvalue()


def fit(picture: Image.Image, window: Window = WHOLE, spec: InputSpec = SQUARE) -> NDArray[np.float32]:
    """A window of an RGB picture as the network's input: float32 [height, width, 3] in 0..1."""
    return fit_uint8(picture, window, spec).astype(np.float32) / np.float32(255)


def fit_uint8(picture: Image.Image, window: Window = WHOLE, spec: InputSpec = SQUARE) -> NDArray[np.uint8]:
    """The same before its scaling, uint8 [height, width, 3]: training stores this.

    The whole window is stretched to the square by Pillow's antialiased bilinear filter, as SIGNS was.
    """
    width, height = size = picture.size
    if size == (spec.width, spec.height) and window == WHOLE:
        return np.asarray(picture)
    box = (window.x0 * width, window.y0 * height, window.x1 * width, window.y1 * height)
    return np.asarray(picture.resize((spec.width, spec.height), Image.Resampling.BILINEAR, box))


def _read_header(data: bytes) -> Image.Image:
    if not data:
        raise EmptyImage("expected the bytes of a picture, received none")
    formats = _formats_of(data[:16])
    if not formats:
        raise UnsupportedImage(f"the file is {kind_of(data)}; send a {FORMATS_IN_WORDS} picture")
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


def _shrunk_to_rgb(picture: Image.Image, least_side: int) -> Image.Image:
    """In bands, so that no more of a large picture is in memory than what its decoder gave."""
    width, height = picture.size
    if width * height <= LARGE:
        return _to_rgb(picture)
    least = max(1, min(width, height) // least_side)
    across, down = (max(least, -(-side // LONGEST)) for side in picture.size)
    shrunk = Image.new("RGB", (-(-width // across), -(-height // down)))
    rows = down * max(1, LARGE // 8 // (width * down))
    for top in range(0, height, rows):
        band = _to_rgb(picture.crop((0, top, width, min(top + rows, height))))
        shrunk.paste(band.reduce((across, down)), (0, top // down))
    return shrunk


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
