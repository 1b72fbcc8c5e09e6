"""Whole files that say odd things beside their pixels, or store these in a rare way.

Profiles, inks, orientations, animations, pages, codings and names.
"""

import io
import struct
import zlib

import numpy as np
from PIL import Image

from faults import picture_bytes as made
from faults.kinds_of_pixels import CHANNELS, over_white
from faults.odd_pictures import JPEG_OFF, SIZE, Cases, by_pillow, noise, photograph

LOSSY_OFF = 60  # levels that compression may move a pixel of a smooth picture


def inks_and_profiles(cases: Cases, rng: np.random.Generator) -> None:
    """Embedded profiles are obeyed, broken ones left alone; four inks become colours."""
    smooth = photograph(rng)
    image = noise(rng)
    broken = {"short": b"\0\0\0\x20abc", "empty": b"", "noise": rng.bytes(600),
              "cut": made.linear_profile()[:150]}  # fmt: skip
    for name, profile in broken.items():
        icc = made.chunk(b"iCCP", b"x\0\0" + zlib.compress(profile))
        cases.add(f"broken profile {name}", ".png", made.png(image, before=icc), image)
        jpeg = made.saved(smooth, "JPEG", quality=95)
        with_it = made.with_segment(jpeg, 0xE2, b"ICC_PROFILE\0\1\1" + profile)
        cases.add(f"broken profile {name}", ".jpg", with_it, by_pillow(jpeg), within=JPEG_OFF)
        tiff = made.tiff(image, further={34675: profile or b"\0"})
        cases.add(f"broken profile {name}", ".tif", tiff, image)
    not_packed = made.chunk(b"iCCP", b"x\0\0" + rng.bytes(80))
    cases.add("broken profile not packed", ".png", made.png(image, before=not_packed), image)
    profile = made.linear_profile()
    icc = made.chunk(b"iCCP", b"x\0\0" + zlib.compress(profile))
    seen = in_srgb(image)
    cases.add("profile", ".png", made.png(image, before=icc), seen, within=1.6)
    cases.add("profile", ".tif", made.tiff(image, further={34675: profile}), seen, within=1.6)
    webp = made.saved(image, "WEBP", lossless=True, icc_profile=profile)
    cases.add("profile", ".webp", webp, seen, within=1.6)
    jpeg = made.saved(smooth, "JPEG", quality=95, icc_profile=profile)
    cases.add("profile", ".jpg", jpeg, in_srgb(by_pillow(jpeg)), within=25)
    light = np.maximum(noise(rng, 1), 60)
    icc = made.chunk(b"iCCP", b"x\0\0" + zlib.compress(made.linear_profile(grey=True)))
    cases.add("profile of grey", ".png", made.png(light, before=icc), in_srgb(light), within=3)
    wrong = made.png(image, before=icc)  # a profile of grey in a picture of colours
    cases.add("profile of other colours", ".png", wrong, image)
    inks = np.concatenate([smooth, smooth[:, :, :1] // 2], axis=2)
    out = io.BytesIO()
    Image.fromarray(inks, "CMYK").save(out, "JPEG", quality=95)
    cases.add("inks", ".jpg", out.getvalue(), either=by_pillow, within=LOSSY_OFF)
    out = io.BytesIO()
    Image.fromarray(inks, "CMYK").save(out, "TIFF")
    cases.add("inks", ".tif", out.getvalue(), either=by_pillow, within=LOSSY_OFF)


def in_srgb(linear: np.ndarray) -> np.ndarray:
    """Linear values from 0 to 255 through sRGB's curve (IEC 61966-2-1)."""
    v = np.asarray(linear, np.float64) / 255
    return np.where(v <= 0.0031308, 12.92 * v, 1.055 * v ** (1 / 2.4) - 0.055) * 255


# EXIF 2.3, 4.6.4: what the first row and the first column of the stored picture are.
UPRIGHT = {
    1: lambda a: a, 2: lambda a: a[:, ::-1], 3: lambda a: a[::-1, ::-1], 4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1), 6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1), 8: lambda a: np.rot90(a, 1),
}  # fmt: skip


def orientations(cases: Cases, rng: np.random.Generator) -> None:
    """All eight in each format that can say it, and blocks that say nonsense."""
    for number, turn in UPRIGHT.items():
        stored = noise(rng) if number < 5 else noise(rng).swapaxes(0, 1)
        stored = np.ascontiguousarray(stored)
        block = made.exif(number, "<" if number % 2 else ">")
        right = turn(stored)
        png = made.png(stored, before=made.chunk(b"eXIf", block))
        cases.add("exif of png", ".png", png, right)
        late = made.png(stored, after=made.chunk(b"eXIf", block))
        cases.add("exif of png", ".png", late, right)
        jpeg = made.saved(stored, "JPEG", quality=95)
        turned = made.with_segment(jpeg, 0xE1, b"Exif\0\0" + block)
        cases.add("exif of jpeg", ".jpg", turned, turn(by_pillow(jpeg)), within=JPEG_OFF)
        webp = made.saved(stored, "WEBP", lossless=True, exif=b"Exif\0\0" + block)
        cases.add("exif of webp", ".webp", webp, right)
        cases.add("orientation of tiff", ".tif", made.tiff(stored, further={274: [number]}), right)
    image = noise(rng)
    jpeg = made.saved(image, "JPEG", quality=95)
    nonsense = {
        "0": made.exif(0), "9": made.exif(9), "65535": made.exif(65535), "cut": made.exif(6)[:-9],
        "noise": rng.bytes(50), "empty": b"", "loop": made.exif(1)[:-4] + struct.pack(">I", 8),
        "bytes": made.exif(1)[:14] + b"\0\2" + made.exif(1)[16:],
    }  # fmt: skip
    for name, block in nonsense.items():
        broken = made.with_segment(jpeg, 0xE1, b"Exif\0\0" + block)
        cases.add(f"broken exif {name}", ".jpg", broken, by_pillow(jpeg), within=JPEG_OFF)
        png = made.png(image, before=made.chunk(b"eXIf", block))
        cases.add(f"broken exif {name}", ".png", png, image)


def moving(cases: Cases, rng: np.random.Generator) -> None:
    """Of an animation the first frame, of several pages the first."""
    first, second = noise(rng, 1), noise(rng, 1)
    for suffix, kind, options in (
        (".gif", "GIF", {}), (".webp", "WEBP", {"lossless": True}), (".png", "PNG", {}),
    ):  # fmt: skip
        frames = [Image.fromarray(frame) for frame in (second, second[::-1].copy())]
        data = made.saved(first, kind, save_all=True, append_images=frames, duration=50, **options)
        cases.add(f"animated {kind}", suffix, data, first)
    one, two = noise(rng), noise(rng)
    cases.add("pages of tiff", ".tif", made.tiff(one, two), one)
    cases.add("pages of tiff", ".tif", made.tiff(one, two, order=">", deflate=True), one)
    cases.add("pages of tiff", ".tif", made.tiff(one, two[:6, :10]), one)
    three = [noise(rng, 1) for _ in range(3)]
    cases.add("pages as channels", ".tif", made.tiff(*three), np.stack(three, axis=2))
    cases.add("two pages of grey", ".tif", made.tiff(*three[:2]), refused=CHANNELS, asked=True)


def jpegs(cases: Cases, rng: np.random.Generator) -> None:
    """What cameras and old programs write."""
    smooth = photograph(rng)
    kinds = {
        "progressive": {"progressive": True}, "444": {"subsampling": 0}, "422": {"subsampling": 1},
        "420": {"subsampling": 2}, "optimised": {"optimize": True}, "poor": {"quality": 1},
        "restarts": {"restart_marker_blocks": 1},
    }  # fmt: skip
    for name, options in kinds.items():
        data = made.saved(smooth, "JPEG", **({"quality": 90} | options))
        within = JPEG_OFF if "subsampling" not in options and name != "poor" else 12
        cases.add(f"jpeg {name}", ".jpg", data, by_pillow(data), within=within)
    grey = made.saved(smooth[:, :, 0], "JPEG", quality=95)
    cases.add("jpeg grey", ".jpg", grey, by_pillow(grey), within=JPEG_OFF)
    data = made.saved(smooth, "JPEG", quality=95)
    right = by_pillow(data)
    for name, changed in {
        "rest": data + b"\0" * 64,
        "text behind": data + b"<html>",
        "two": data + data,
        "comment": made.with_segment(data, 0xFE, b"\xff\xd8\xff\xd9" * 9),
        "thumbnail": made.with_segment(data, 0xE1, b"Exif\0\0" + made.exif(1) + data),
        "fill": data[:2] + b"\xff\xff\xff" + data[2:],
    }.items():
        cases.add(f"jpeg {name}", ".jpg", changed, right, within=JPEG_OFF)
    frame = data.index(b"\xff\xc0")
    for marker in (0xC3, 0xC9, 0xCA):  # lossless and arithmetic frames, which it is not
        other = bytearray(data)
        other[frame + 1] = marker
        cases.add("jpeg of another coding", ".jpg", bytes(other), either=lambda data: None)
    deep = bytearray(data)
    deep[frame + 4] = 12
    cases.add("jpeg of 12 bits", ".jpg", bytes(deep), refused="12 bits|damaged|header")


def further(cases: Cases, rng: np.random.Generator) -> None:
    """What is rarer still, read as Pillow reads it, or refused in words."""
    smooth, rgba, grey = photograph(rng), noise(rng, 4), noise(rng, 1)
    rgb = made.saved(smooth, "JPEG", quality=95, keep_rgb=True)
    cases.add("jpeg of rgb", ".jpg", rgb, by_pillow(rgb), within=JPEG_OFF)
    frames = [Image.fromarray(smooth[::-1].copy())]
    both = made.saved(smooth, "MPO", quality=95, save_all=True, append_images=frames)
    cases.add("jpeg of two eyes", ".jpg", both, by_pillow(both), within=JPEG_OFF)
    for interlaced in (0, 1):
        data = made.saved(grey, "GIF", interlace=interlaced)
        cases.add("rows of gif", ".gif", data, grey)
    deep = noise(rng, 3, 65536)
    key = made.chunk(b"tRNS", struct.pack(">3H", *map(int, deep[2, 3])))
    hidden = (deep == deep[2, 3]).all(axis=2)
    cases.add("colour key of 16 bits", ".png", made.png(deep, depth=16, before=key),
              over_white(deep, ~hidden * 65535, 65535))  # fmt: skip
    first = Image.fromarray(rgba)
    out = io.BytesIO()
    first.save(out, "WEBP", save_all=True, append_images=[first.rotate(180)], lossless=True,
               exact=True, duration=50)  # fmt: skip
    cases.add("animated alpha", ".webp", out.getvalue(), over_white(rgba[:, :, :3], rgba[:, :, 3]))
    for colours in (6, 8, 9):  # YCbCr, L*a*b* as CIE and ICC store it
        tiff = made.tiff(smooth, colours=colours)
        cases.add("colours of tiff", ".tif", tiff, refused="which (is|are) not read|damaged")
    part = Image.new("P", SIZE[::-1], 0)
    part.putpalette(rng.integers(0, 256, 768).astype(np.uint8).tobytes())
    out = io.BytesIO()
    part.save(out, "GIF")
    small = bytearray(out.getvalue())
    at = small.index(b",\0\0\0\0")
    struct.pack_into("<HHHH", small, at + 1, 3, 2, 9, 5)  # a frame inside of the screen
    cases.add("frame of gif", ".gif", bytes(small), either=by_pillow, within=255)


def tiffs(cases: Cases, rng: np.random.Generator) -> None:
    """What libraries of microscopes and maps write."""
    import tifffile

    image, grey = noise(rng), noise(rng, 1)
    for options in (
        {"compression": "zlib"}, {"compression": "lzw"}, {"compression": "packbits"},
        {"compression": "zlib", "predictor": True}, {"planarconfig": "separate"},
        {"tile": (16, 16)}, {"rowsperstrip": 5}, {"bigtiff": True}, {"byteorder": ">"},
        {"compression": "zstd"}, {"compression": "lzma"},
    ):  # fmt: skip
        out = io.BytesIO()
        pixels = np.moveaxis(image, 2, 0) if "planarconfig" in options else image
        tifffile.imwrite(out, pixels, photometric="rgb", **options)
        cases.add("coding of tiff", ".tiff", out.getvalue(), image)
    out = io.BytesIO()
    tifffile.imwrite(out, 255 - grey, photometric="miniswhite")
    cases.add("white is 0", ".tif", out.getvalue(), grey)
    cases.add("strip of tiff", ".tif", made.tiff(grey, order=">"), grey)
    cases.add("rest of tiff", ".tif", made.tiff(image) + bytes(99), image)


def plain_formats(cases: Cases, rng: np.random.Generator) -> None:
    """The kinds of PNM and BMP, and lossy WebP."""
    image, grey, bits = noise(rng), noise(rng, 1), noise(rng, 1, 2)
    height, width = SIZE
    size = b"%d %d\n" % (width, height)
    deep, odd = noise(rng, 3, 65536), noise(rng, 1, 101)
    words = b"\n".join(b" ".join(b"%d" % v for v in row.reshape(-1)) for row in image)
    pnm = {
        ".pbm": (b"P4\n" + size + np.packbits(bits, axis=1).tobytes(), (1 - bits) * 255),
        ".pgm": (b"P5\n# a comment\n" + size + b"255\n" + grey.tobytes(), grey),
        ".ppm": (b"P6 " + size + b"65535\n" + deep.astype(">u2").tobytes(), deep / 257),
        ".pnm": (b"P3\n" + size + b"255\n" + words, image),
    }  # fmt: skip
    for suffix, (data, right) in pnm.items():
        cases.add("pnm", suffix, data, right)
    cases.add("pnm", ".pgm", b"P5\n" + size + b"100\n" + odd.tobytes(), odd * 2.55)
    cases.add("pnm", ".pgm", b"P5\n" + size + b"65535\n" + deep[:, :, 0].astype(">u2").tobytes(),
              deep[:, :, 0] / 257)  # fmt: skip
    for white in (b"0", b"70000", b"-1", b"x"):
        cases.add("white of pnm", ".ppm", b"P6\n" + size + white + b"\n" + image.tobytes(),
                  refused="damaged|header|white")  # fmt: skip
    above = b"P2\n" + size + b"9\n" + b" 12" * grey.size
    cases.add("white of pnm", ".pgm", above, either=lambda data: None)
    for mode, right in (("RGB", image), ("L", image[:, :, 0]), ("1", bits * 255)):
        stored = {"RGB": image, "L": image[:, :, 0], "1": bits * 255}[mode]
        cases.add("bmp", ".bmp", made.saved(np.asarray(stored, np.uint8), "BMP", mode), right)
    down = bytearray(made.saved(np.ascontiguousarray(image[::-1]), "BMP"))
    struct.pack_into("<i", down, 22, -height)
    cases.add("bmp", ".bmp", bytes(down), image)
    smooth = photograph(rng)
    webp = made.saved(smooth, "WEBP", quality=90)
    cases.add("webp", ".webp", webp, by_pillow(webp), within=1)
    cases.add("webp", ".webp", made.saved(grey, "WEBP", lossless=True), grey)


NAMES = (
    "\u00fc", "u\u0308", "\u732b", "\U0001f600", "two  words", " ahead", "it's", 'a"b', "a$(c)`d`",
    "100%", "a.b.c", "-rf", "{split}", "[a-z]*?", "x" * 200, "\u05d0\u202e", "#1", "~a", "COM1",
    "a\tb", "a\nb", "=2+3", "a=b,c=[d]", "..a", "\\n",
)  # fmt: skip


def names(cases: Cases, rng: np.random.Generator) -> None:
    """Names that shells, terminals and systems make something of."""
    for i, name in enumerate(NAMES):
        if name.startswith("."):
            continue
        image = noise(rng)
        if i % 2:
            cases.add("name", ".png", made.png(image), image, name=f"n{name}")
        else:
            cases.add("name", ".png", b"", refused="empty", name=f"n{name}")


KINDS = (
    inks_and_profiles, orientations, moving, jpegs, further, tiffs, plain_formats, names,
)  # fmt: skip
