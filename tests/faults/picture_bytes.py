"""Picture files byte by byte, as their specifications say, without the libraries that read them."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from PIL import Image

PNG_START = b"\x89PNG\r\n\x1a\n"
ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2),
         (1, 0, 2, 1))  # fmt: skip  # first row, first column, steps (PNG specification, 8.2)


def chunk(kind: bytes, data: bytes = b"", crc: int | None = None) -> bytes:
    """A chunk of a PNG file; its checksum is right unless another is given."""
    found = zlib.crc32(kind + data) if crc is None else crc
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", found)


def rows(image: np.ndarray, depth: int) -> bytes:
    """Rows of (H, W, C) samples without filter, each with the filter's byte before it."""
    flat = image.reshape(image.shape[0], -1)
    if depth < 8:
        bits = (flat[:, :, None] >> np.arange(depth - 1, -1, -1)) & 1
        packed = np.packbits(bits.reshape(len(flat), -1).astype(np.uint8), axis=1)
    else:
        packed = flat.astype(">u2" if depth == 16 else np.uint8)
    return b"".join(b"\0" + row.tobytes() for row in packed)


def png(
    image: np.ndarray,
    *,
    depth: int = 8,
    kind: int | None = None,
    before: bytes = b"",
    after: bytes = b"",
    interlaced: bool = False,
    packed: bytes | None = None,
) -> bytes:
    """A PNG file.

    Args:
        image: (H, W) or (H, W, C) samples, of any depth.
        depth: Bits of a sample.
        kind: Colour type; None: that of the channels.
        before: Chunks before the pixels.
        after: Chunks after them.
        interlaced: Adam7.
        packed: What the pixels' chunk holds instead.
    """
    image = image[:, :, None] if image.ndim == 2 else image
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[image.shape[2]] if kind is None else kind
    parts = [image[y::dy, x::dx] for y, x, dy, dx in ADAM7] if interlaced else [image]
    data = b"".join(rows(part, depth) for part in parts if part.size)
    head = struct.pack(">IIBBBBB", image.shape[1], image.shape[0], depth, kind, 0, 0, interlaced)
    pixels = zlib.compress(data) if packed is None else packed
    middle = before + chunk(b"IDAT", pixels) + after
    return PNG_START + chunk(b"IHDR", head) + middle + chunk(b"IEND")


# TIFF 6.0, section 2: types of a tag's values.
_BYTE, _SHORT, _LONG, _UNDEFINED = 1, 3, 4, 7
_FORMATS = {"u": 1, "i": 2, "f": 3}


def tag(order: str, number: int, values: Sequence[int] | bytes) -> tuple[int, int, int, bytes]:
    """Number, type, count and values of a tag: 32 bits where 16 are too few."""
    if isinstance(values, bytes):
        return number, _UNDEFINED, len(values), values
    kind, letter = (_LONG, "I") if max(values) > 65535 else (_SHORT, "H")
    return number, kind, len(values), struct.pack(f"{order}{len(values)}{letter}", *values)


def tiff(
    *pages: np.ndarray,
    order: str = "<",
    colours: int | None = None,
    further: dict[int, Sequence[int] | bytes] | None = None,
    deflate: bool = False,
    loop: bool = False,
    short: int = 0,
) -> bytes:
    """A TIFF file with one strip a page; the pixels stand behind the directories.

    Args:
        pages: (H, W) or (H, W, C) of one type each.
        order: "<" or ">", of the bytes.
        colours: Photometric interpretation; None: RGB for 3 channels, else black is zero.
        further: Tags, by number, over the usual ones.
        deflate: Packs the strip.
        loop: The last directory names the first one as the next.
        short: Bytes that the strip says it has less.
    """
    out = struct.pack(order + "2sHI", b"II" if order == "<" else b"MM", 42, 8)
    for i, page in enumerate(pages):
        page = page[:, :, None] if page.ndim == 2 else page
        height, width, channels = page.shape
        data = page.astype(page.dtype.newbyteorder(order)).tobytes()
        data = zlib.compress(data) if deflate else data
        rgb = channels in (3, 4)
        tags: dict[int, Sequence[int] | bytes] = {
            256: [width], 257: [height], 258: [8 * page.dtype.itemsize] * channels,
            259: [8 if deflate else 1], 262: [(2 if rgb else 1) if colours is None else colours],
            273: [0], 277: [channels], 278: [height], 279: [len(data) - short],
            339: [_FORMATS[page.dtype.kind]] * channels,
        }  # fmt: skip
        if channels > (3 if rgb else 1):
            tags[338] = [0] * (channels - (3 if rgb else 1))  # extra samples, of no meaning
        tags |= further or {}
        entries = [tag(order, number, values) for number, values in sorted(tags.items())]
        start = len(out) + 2 + 12 * len(entries) + 4  # of values that do not fit into the entry
        long = b"".join(v + b"\0" * (len(v) % 2) for *_, v in entries if len(v) > 4)
        directory, at = struct.pack(order + "H", len(entries)), start
        for number, kind, count, values in entries:
            if number == 273:
                kind, values = _LONG, struct.pack(order + "I", start + len(long))
            directory += struct.pack(order + "HHI", number, kind, count)
            if len(values) > 4:
                directory += struct.pack(order + "I", at)
                at += len(values) + len(values) % 2
            else:
                directory += values.ljust(4, b"\0")
        padding = b"\0" * (len(data) % 2)
        following = start + len(long) + len(data) + len(padding)
        last = i == len(pages) - 1
        directory += struct.pack(order + "I", (8 if loop else 0) if last else following)
        out += directory + long + data + padding
    return out


def npy(array: np.ndarray, descr: str | None = None, shape: Any = None, version: int = 1) -> bytes:
    """An array's file (numpy's NEP 1); header and values may say different things."""
    columns = array.flags.f_contiguous and not array.flags.c_contiguous
    head = repr({
        "descr": array.dtype.str if descr is None else descr, "fortran_order": columns,
        "shape": array.shape if shape is None else shape,
    }).encode()  # fmt: skip
    letter = "<H" if version == 1 else "<I"
    size = 8 + struct.calcsize(letter)
    head += b" " * (-(size + len(head) + 1) % 64) + b"\n"
    start = b"\x93NUMPY" + bytes([version, 0]) + struct.pack(letter, len(head))
    return start + head + array.tobytes("F" if columns else "C")


def npz(method: int = zipfile.ZIP_DEFLATED, **members: bytes) -> bytes:
    """An archive of arrays' files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), data, method)
    return out.getvalue()


def saved(image: np.ndarray, kind: str, mode: str | None = None, **options: Any) -> bytes:
    """What Pillow writes."""
    out = io.BytesIO()
    Image.fromarray(image).convert(mode).save(out, kind, **options)
    return out.getvalue()


def exif(orientation: int, order: str = ">", kind: int = _SHORT) -> bytes:
    """A block of EXIF that says how the picture stands, and nothing else."""
    start = struct.pack(order + "2sHI", b"II" if order == "<" else b"MM", 42, 8)
    value = struct.pack(order + ("HH" if kind == _SHORT else "I"), *(
        (orientation, 0) if kind == _SHORT else (orientation,)
    ))  # fmt: skip
    return start + struct.pack(order + "HHHI", 1, 274, kind, 1) + value + b"\0\0\0\0"


def segment(marker: int, data: bytes) -> bytes:
    """A segment of a JPEG file."""
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


def with_segment(jpeg: bytes, marker: int, data: bytes) -> bytes:
    """A JPEG file with a further segment behind its start."""
    return jpeg[:2] + segment(marker, data) + jpeg[2:]


def linear_profile(grey: bool = False) -> bytes:
    """An ICC profile (ICC.1:2001-04) of sRGB's colours, or of grey, whose values are linear."""

    def xyz(x: float, y: float, z: float) -> bytes:
        return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(v * 65536) for v in (x, y, z)))

    curve = b"curv\0\0\0\0" + struct.pack(">I", 0) + b"\0\0\0\0"
    text = b"text\0\0\0\0none\0\0\0\0"
    name = b"linear"
    words = b"desc\0\0\0\0" + struct.pack(">I", len(name) + 1) + name + b"\0" * (1 + 8 + 3 + 67)
    white = xyz(0.9642, 1.0, 0.8249)  # D50
    tags = {b"desc": words, b"cprt": text, b"wtpt": white}
    if grey:
        tags[b"kTRC"] = curve
    else:  # the primaries of sRGB as D50 sees them (IEC 61966-2-1, adapted after Bradford)
        tags |= {
            b"rXYZ": xyz(0.43607, 0.22249, 0.01392), b"gXYZ": xyz(0.38515, 0.71687, 0.09708),
            b"bXYZ": xyz(0.14307, 0.06061, 0.71410), b"rTRC": curve, b"gTRC": curve, b"bTRC": curve,
        }  # fmt: skip
    table, body, start = b"", b"", 128 + 4 + 12 * len(tags)
    for key, value in tags.items():
        table += key + struct.pack(">II", start + len(body), len(value))
        body += value + b"\0" * (-len(value) % 4)
    size = start + len(body)
    space = b"GRAY" if grey else b"RGB "
    head = struct.pack(">I4sI4s4s4s", size, b"\0\0\0\0", 0x02400000, b"mntr", space, b"XYZ ")
    head += struct.pack(">6H", 2020, 1, 1, 0, 0, 0) + b"acsp" + b"\0" * 28
    head += struct.pack(">3i", *(round(v * 65536) for v in (0.9642, 1.0, 0.8249)))
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def without(data: bytes, places: Iterable[int]) -> bytes:
    """A file with one bit of each of these bytes turned over."""
    changed = bytearray(data)
    for place in places:
        changed[place] ^= 0x55
    return bytes(changed)
