"""Whole files whose pixels are odd, with the picture that is in them, computed by hand.

Suffixes that lie, transparency, palettes, depths, types, axes and channels.
"""

import io
import struct

import numpy as np
from PIL import Image

from faults import picture_bytes as made
from faults.damaged_pictures import SUFFIXES, whole
from faults.odd_pictures import JPEG_OFF, SIZE, Cases, by_pillow, in_colours, known, noise

CHANNELS = r"channels"


def suffixes(cases: Cases, rng: np.random.Generator) -> None:
    """Suffixes that lie, and in upper case: the content says what a file is."""
    image = noise(rng)
    files = whole(image)
    for i, (kind, data) in enumerate(files.items()):
        right = by_pillow(data) if kind in ("jpeg", "gif") else image
        within = JPEG_OFF if kind == "jpeg" else 0.51
        others = [s for k, s in SUFFIXES.items() if k != kind]
        for suffix in (*np.roll(others, -i)[:3], SUFFIXES[kind].upper(), ".PnG"):
            cases.add(f"suffix of {kind}", str(suffix), data, right, within=within)


def over_white(colour: np.ndarray, alpha: np.ndarray, most: float = 255) -> np.ndarray:
    """Straight alpha over white, from 0 to 255."""
    share = in_colours(alpha) / most
    return in_colours(colour) * (255 / most) * share + 255 * (1 - share)


def transparency(cases: Cases, rng: np.random.Generator) -> None:
    """Alpha of all kinds shows white, and never what is hidden under it."""
    kind = "alpha"
    rgba = noise(rng, 4)
    rgba[::2, ::3, 3], rgba[1::3, :, 3] = 0, 255
    right = over_white(rgba[:, :, :3], rgba[:, :, 3])
    cases.add(kind, ".png", made.png(rgba), right)
    cases.add(kind, ".png", made.png(rgba, interlaced=True), right)
    cases.add(kind, ".webp", made.saved(rgba, "WEBP", lossless=True, exact=True), right)
    cases.add(kind, ".tif", made.tiff(rgba, further={338: [2]}), right)
    multiplied = np.rint(rgba[:, :, :3] * (rgba[:, :, 3:] / 255)).astype(np.uint8)
    both = np.concatenate([multiplied, rgba[:, :, 3:]], axis=2)
    cases.add(kind, ".tif", made.tiff(both, further={338: [1]}), right, within=1.01)
    cases.add(kind, ".png", made.png(rgba[:, :, [0, 3]]), over_white(rgba[:, :, 0], rgba[:, :, 3]))
    deep = noise(rng, 4, 65536)
    deep[::2, :, 3] = 0
    seen = over_white(deep[:, :, :3], deep[:, :, 3], 65535)
    cases.add(kind, ".png", made.png(deep, depth=16), seen)
    grey = deep[:, :, [0, 3]]
    cases.add(
        kind, ".png", made.png(grey, depth=16), over_white(deep[:, :, 0], deep[:, :, 3], 65535)
    )
    cases.add(kind, ".tif", made.tiff(deep, further={338: [2]}), seen)
    clear = np.full((*SIZE, 4), 7, np.uint8)
    clear[:, :, 3] = 0
    cases.add(kind, ".png", made.png(clear), np.full((*SIZE, 3), 255))
    opaque = np.concatenate([noise(rng), np.full((*SIZE, 1), 255, np.uint8)], axis=2)
    for suffix, data in (
        (".png", made.png(opaque)), (".tif", made.tiff(opaque, further={338: [2]})),
        (".webp", made.saved(opaque, "WEBP", lossless=True)),
    ):  # fmt: skip
        cases.add("opaque alpha", suffix, data, opaque[:, :, :3])


def palettes(cases: Cases, rng: np.random.Generator) -> None:
    """Palettes of every depth, and colours that are called transparent."""
    for depth in (1, 2, 4, 8):
        table = rng.integers(0, 256, (2**depth, 3)).astype(np.uint8)
        ids = noise(rng, 1, 2**depth)
        plte = made.chunk(b"PLTE", table.tobytes())
        for interlaced in (False, True):
            png = made.png(ids, depth=depth, kind=3, before=plte, interlaced=interlaced)
            cases.add("palette", ".png", png, table[ids])
        alpha = rng.integers(0, 256, 2**depth - (depth > 1)).astype(np.uint8)
        trns = made.chunk(b"tRNS", alpha.tobytes())  # the last colour has no entry: opaque
        png = made.png(ids, depth=depth, kind=3, before=plte + trns)
        full = np.append(alpha, np.full(2**depth - len(alpha), 255))
        cases.add("palette with alpha", ".png", png, over_white(table[ids], full[ids]))
    image = Image.fromarray(noise(rng, 1, 16), "P")
    colours = rng.integers(0, 256, (16, 3)).astype(np.uint8)
    image.putpalette(colours.tobytes())
    ids = np.array(image)
    for name, options in (("plain", {}), ("transparent", {"transparency": 3})):
        right = over_white(colours[ids], np.where((ids == 3) & (name != "plain"), 0, 255))
        out = io.BytesIO()
        image.save(out, "GIF", optimize=False, **options)
        cases.add(f"palette of gif {name}", ".gif", out.getvalue(), right)
    out = io.BytesIO()
    image.save(out, "BMP")
    cases.add("palette of bmp", ".bmp", out.getvalue(), colours[ids])
    wide = np.zeros((3, 256), np.int64)
    wide[:, :16] = colours.T.astype(np.int64) * 257
    tiff = made.tiff(ids, colours=3, further={320: [int(v) for v in wide.reshape(-1)]})
    cases.add("palette of tiff", ".tif", tiff, colours[ids])
    grey, rgb = noise(rng, 1), noise(rng)
    key = made.chunk(b"tRNS", struct.pack(">H", int(grey[2, 3])))
    cases.add("colour key", ".png", made.png(grey, before=key),
              over_white(grey, np.where(grey == grey[2, 3], 0, 255)))  # fmt: skip
    key = made.chunk(b"tRNS", struct.pack(">3H", *map(int, rgb[2, 3])))
    hidden = (rgb == rgb[2, 3]).all(axis=2)
    cases.add("colour key", ".png", made.png(rgb, before=key), over_white(rgb, ~hidden * 255))


def depths(cases: Cases, rng: np.random.Generator) -> None:
    """Grey and colours of 1 to 16 bits, and floats from 0 to 1."""
    for depth in (1, 2, 4, 8, 16):
        grey = noise(rng, 1, 2**depth)
        right = grey * (255 / (2**depth - 1))
        for interlaced in (False, True):
            png = made.png(grey, depth=depth, interlaced=interlaced)
            cases.add("depth of png", ".png", png, right)
    deep = noise(rng, 3, 65536)
    cases.add("depth of png", ".png", made.png(deep, depth=16), deep / 257)
    cases.add("depth of png", ".png", made.png(deep, depth=16, interlaced=True), deep / 257)
    half = rng.random((*SIZE, 3)).astype(np.float32)
    signed = rng.integers(-32768, 32768, SIZE).astype(np.int16)
    many = rng.integers(0, 2**32, SIZE).astype(np.uint32)
    arrays = {
        "u2": (deep, deep / 257), "f4": (half, half * 255.0),
        "f8": (half.astype(np.float64), half * 255.0),
        "f2": (half.astype(np.float16), half.astype(np.float16) * 255.0),
        "i2": (signed, (signed + 32768.0) / 257), "u4": (many, many / (2**32 - 1) * 255),
    }  # fmt: skip
    for name, (array, right) in arrays.items():
        for order in "<>":
            ordered = array.astype(array.dtype.newbyteorder(order))
            cases.add(f"type {name}", ".npy", made.npy(ordered), right)
            cases.add(f"type {name}", ".tif", made.tiff(array, order=order), right)
    truth = noise(rng, 1, 2).astype(bool)
    cases.add("type bool", ".npy", made.npy(truth), truth * 255)
    bits = np.packbits(truth, axis=1)
    strip = {257: [SIZE[0]], 256: [SIZE[1]], 258: [1], 339: [1]}
    cases.add("bits of tiff", ".tif", made.tiff(bits, further=strip), truth * 255)
    white = made.tiff(bits, further=strip, colours=0)
    cases.add("bits of tiff", ".tif", white, ~truth * 255)


def arrays(cases: Cases, rng: np.random.Generator) -> None:
    """Arrays by columns, with another header, and in archives."""
    image, grey = noise(rng), noise(rng, 1)
    for array in (image, grey):
        by_columns = np.asfortranarray(array)
        cases.add("by columns", ".npy", made.npy(by_columns), array)
        cases.add("by columns", ".npz", made.npz(a=made.npy(by_columns)), array)
        cases.add("header of npy 2", ".npy", made.npy(array, version=2), array)
    cases.add("one channel", ".npy", made.npy(grey[:, :, None]), grey)
    deflated = made.npz(arr_0=made.npy(image))
    cases.add("one array", ".npz", deflated, image)
    cases.add("rest of npy", ".npy", made.npy(image) + bytes(100), either=known(image))


def channels(cases: Cases, rng: np.random.Generator) -> None:
    """Numbers of channels that are no colours."""
    for n in (2, 4, 5, 7, 1000):
        image = rng.integers(0, 256, (*SIZE, n)).astype(np.uint8)
        cases.add("channels of npy", ".npy", made.npy(image), refused=CHANNELS, asked=True)
        if n != 4:  # which may be alpha without a name
            cases.add("channels of tiff", ".tif", made.tiff(image), refused=CHANNELS, asked=True)
    first_axis = np.moveaxis(noise(rng), 2, 0)  # (C, H, W), as PyTorch has it
    cases.add(
        "channels first",
        ".npy",
        made.npy(first_axis),
        refused="channels|pixels|3 x 12 x 20",
        asked=True,
    )


KINDS = (suffixes, transparency, palettes, depths, arrays, channels)
