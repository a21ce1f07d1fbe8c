"""Files that can't be mapped: one clear error that names the file and the remedy, never a traceback or a crash."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from PIL import Image
from rasterio.control import GroundControlPoint
from rasterio.rpc import RPC
from rasters import UTM, numbers, write

from handful.errors import EnvironmentFault, HandfulError, SceneError
from handful.maps.grid import Window
from handful.maps.scene import Scene

VRT = """<VRTDataset rasterXSize="8" rasterYSize="8"><VRTRasterBand dataType="Byte" band="1"><SimpleSource>
<SourceFilename relativeToVRT="{relative}">{source}</SourceFilename><SourceBand>1</SourceBand></SimpleSource>
</VRTRasterBand></VRTDataset>"""


def text(content: str | bytes) -> Callable[[Path], Path]:
    """A file with this content."""

    def make(folder: Path) -> Path:
        path = folder / "scene.tif"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return make


def cut(share: float, **profile: object) -> Callable[[Path], Path]:
    """A raster cut off after a share of its bytes."""

    def make(folder: Path) -> Path:
        suffix = {"PNG": ".png", "JP2OpenJPEG": ".jp2"}.get(str(profile.get("driver")), ".tif")
        more = dict(photometric=None) if suffix != ".tif" else {}
        path = write(folder / f"scene{suffix}", numbers(3, 300, 300, kind="uint8", high=255), **more, **profile)
        os.truncate(path, int(path.stat().st_size * share))
        return path

    return make


def patched(tag: int, value: int, **profile: object) -> Callable[[Path], Path]:
    """A little-endian TIFF in whose directory a tag of one number was changed."""

    def make(folder: Path) -> Path:
        path = write(folder / "scene.tif", numbers(3, 64, 64), **profile)
        content = bytearray(path.read_bytes())
        start = struct.unpack("<I", content[4:8])[0]
        for i in range(struct.unpack("<H", content[start : start + 2])[0]):
            at = start + 2 + 12 * i
            if struct.unpack("<H", content[at : at + 2])[0] == tag:
                content[at + 2 : at + 12] = struct.pack("<HII", 4, 1, value)
        path.write_bytes(content)
        return path

    return make


def png_of(width: int, height: int) -> bytes:
    """A PNG whose header promises so many pixels, and holds a few."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\1" * 500)) + chunk(b"IEND", b"")
    )


def gcps(folder: Path) -> Path:
    path = folder / "scene.tif"
    points = [
        GroundControlPoint(row, column, 14 + column / 1e4, 50 - row / 1e4)
        for row, column in ((0, 0), (0, 8), (8, 0), (8, 8))
    ]
    with rasterio.open(
        path, "w", driver="GTiff", count=1, height=8, width=8, dtype="uint8", gcps=points, crs="EPSG:4326"
    ) as raster:
        raster.write(np.ones((1, 8, 8), np.uint8))
    return path


def rpcs(folder: Path) -> Path:
    line = [1.0] + [0.0] * 19
    path = write(folder / "scene.tif", numbers(1, 8, 8), crs=None, transform=Affine.identity())
    with rasterio.open(path, "r+") as raster:
        raster.rpcs = RPC(0, 1, 50, 1, line, line, 0, 1, 14, 1, line, line, 0, 1, 0, 0)
    return path


def pages(folder: Path) -> Path:
    path = folder / "scene.tif"
    page = Image.fromarray(np.ones((8, 8), np.uint8))
    page.save(path, save_all=True, append_images=[page])
    return path


def netcdf(folder: Path) -> Path:
    path = folder / "scene.nc"
    content = "CDF\x01" + "\0\0\0\0"
    path.write_bytes(content.encode("latin1") + b"\0" * 24)
    return path


def vrt(source: str, suffix: str = ".vrt", relative: int = 0) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        write(folder / "real.tif", numbers(1, 8, 8, kind="uint8", high=99))
        path = folder / f"scene{suffix}"
        path.write_text(VRT.format(source=source.replace("HERE", str(folder)), relative=relative))
        return path

    return make


def folder_itself(folder: Path) -> Path:
    return folder


def pipe(folder: Path) -> Path:
    os.mkfifo(folder / "scene.tif")
    return folder / "scene.tif"


def plain(values: np.ndarray, **profile: object) -> Callable[[Path], Path]:
    return lambda folder: write(folder / "scene.tif", values, **profile)


TURNED = Affine(10, 3, 0, 3, -10, 0)
REFUSED: dict[str, tuple[Callable[[Path], Path], str]] = {
    "missing": (lambda folder: folder / "none.tif", "not found"),
    "missing folder": (lambda folder: folder / "a" / "none.tif", "not found"),
    "null in the name": (lambda folder: Path("scene\0.tif"), "not found"),
    "a name that is not text": (lambda folder: folder / os.fsdecode(b"caf\xe9.tif"), "rename"),
    "a long name": (lambda folder: folder / ("x" * 300 + ".tif"), "not found"),
    "empty": (text(""), "empty"),
    "folder": (folder_itself, "folder"),
    "pipe": (pipe, "regular file"),
    "text": (text("hello"), "not a raster"),
    "zeros": (text(b"\0" * 5000), "not a raster"),
    "noise": (text(np.random.default_rng(0).bytes(5000)), "not a raster"),
    "GeoJSON": (text('{"type": "FeatureCollection", "features": []}'), "not a raster"),
    "zip": (text(b"PK\x03\x04" + b"\0" * 100), "unpack"),
    "gzip": (text(b"\x1f\x8b" + b"\0" * 100), "unpack"),
    "PDF": (text(b"%PDF-1.7" + b"\0" * 100), "gdal_translate"),
    "web map": (text('<GDAL_WMS><Service name="TMS"><ServerUrl>http://localhost/'), "not a raster"),
    "SQLite": (text(b"SQLite format 3\0" + b"\0" * 600), "damaged|cannot be read"),
    "HDF5": (text(b"\x89HDF\r\n\x1a\n" + b"\0" * 600), "damaged|cannot be read"),
    "netCDF": (netcdf, "holds no raster|cannot be read"),
    "TIFF header alone": (text(b"II*\0\x08\0\0\0"), "truncated or damaged"),
    "TIFF of 4 bytes": (text(b"II*\0"), "truncated or damaged"),
    "TIFF with a far directory": (text(b"II*\0" + struct.pack("<I", 2**31)), "truncated or damaged"),
    "TIFF without entries": (text(b"II*\0\x08\0\0\0\0\0\0\0\0\0"), "truncated or damaged"),
    "BigTIFF of many entries": (text(b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, 2**60)), "truncated or damaged"),
    **{f"cut at {share}": (cut(share), "truncated or damaged") for share in (0.02, 0.5, 0.9, 0.999)},
    "deflate cut early": (cut(0.3, compress="deflate", tiled=True), "truncated or damaged"),
    "deflate cut late": (cut(0.99, compress="deflate", tiled=True), "truncated or damaged"),
    "COG cut": (cut(0.7, driver="COG"), "truncated or damaged"),
    "big-endian cut": (cut(0.7, ENDIANNESS="BIG", BIGTIFF="YES"), "truncated or damaged"),
    "PNG cut": (cut(0.5, driver="PNG", crs=None, transform=Affine.identity()), "damaged"),
    "JP2 cut": (cut(0.6, driver="JP2OpenJPEG"), "damaged"),
    "width": (patched(256, 10**6), "promises"),
    "height": (patched(257, 10**6), "promises"),
    "width and deflate": (patched(256, 2**30, compress="deflate"), "promises|damaged"),
    "height and deflate": (patched(257, 2**30, compress="deflate"), "promises"),
    "rows a strip": (patched(278, 2**30), "promises|damaged|truncated"),
    "tile width": (patched(322, 2**20, tiled=True, compress="lzw", blockxsize=64, blockysize=64), "promises|damaged"),
    "samples": (patched(277, 60_000, compress="deflate"), "promises|damaged|bands"),
    "no width": (patched(256, 0), "damaged"),
    "PNG of a terapixel": (text(png_of(10**6, 10**6)), "damaged"),
    "PNG of too few pixels": (text(png_of(900, 900)), "damaged"),
    "complex": (plain(np.ones((1, 8, 8), np.complex64)), "complex"),
    "complex integers": (plain(np.ones((1, 8, 8), np.complex64), dtype="complex_int16"), "complex"),
    "1025 bands": (plain(np.ones((1025, 2, 2), np.uint8)), "1,025 bands"),
    "rotated": (plain(numbers(1, 8, 8), transform=TURNED), "gdalwarp"),
    "no size": (plain(numbers(1, 8, 8), transform=Affine(np.nan, 0, 0, 0, -10, 0)), "gdal_edit|rotated"),
    "GCPs": (gcps, "control points.*gdalwarp"),
    "RPCs": (rpcs, "RPCs.*gdalwarp"),
    "pages": (pages, "container of 2"),
    "all zero": (plain(np.zeros((2, 9, 9), np.uint16)), "no valid pixel"),
    "all nodata": (plain(np.full((2, 9, 9), 7, np.uint16), nodata=7), "no valid pixel"),
    "all NaN": (plain(np.full((2, 9, 9), np.nan, np.float32)), "no valid pixel"),
    "all sparse": (lambda folder: sparse(folder, None), "no valid pixel"),
    "VRT by another name": (vrt("HERE/real.tif", ".tif"), "rename"),
    "VRT to the network": (vrt("/vsicurl/http://localhost:1/x.tif"), "not a file on this machine"),
    "VRT to a URL": (vrt("http://localhost:1/x.tif"), "not a file on this machine"),
    "VRT to nothing": (vrt("HERE/none.tif"), "points at"),
    "VRT to a text": (vrt("/etc/passwd"), "points at"),
    "VRT to itself": (vrt("scene.vrt", relative=1), "deep"),
    "VRT inside": (vrt(VRT.format(source="x", relative=0).replace("<", "&lt;")), "not a file on this machine"),
    "VRT with entities": (lambda folder: entities(folder), "entities"),
    "broken VRT": (lambda folder: broken(folder), "damaged"),
    "vsi path": (lambda folder: Path("/vsicurl/http://localhost:1/x.tif"), "not a file on this machine"),
    "URL": (lambda folder: Path("http://localhost:1/x.tif"), "not a file on this machine"),
}  # fmt: skip


def sparse(folder: Path, row: int | None) -> Path:
    """A file of 90,000 x 90,000 in a few kilobytes, with one row of data or none."""
    path = folder / "scene.tif"
    profile = dict(
        driver="GTiff", count=2, height=90_000, width=90_000, dtype="uint16", crs="EPSG:32633", transform=UTM
    )
    with rasterio.open(path, "w", **profile, tiled=True, SPARSE_OK="TRUE", compress="zstd") as raster:
        if row is not None:
            raster.write(np.ones((2, 256, 256), np.uint16), window=((row, row + 256), (0, 256)))
    return path


def entities(folder: Path) -> Path:
    path = folder / "scene.vrt"
    path.write_text('<!DOCTYPE x [<!ENTITY a "aaaa">]>' + VRT.format(source="&a;", relative=0))
    path.write_text('<?xml version="1.0"?>' + path.read_text())
    return path


def broken(folder: Path) -> Path:
    path = folder / "scene.vrt"
    path.write_text('<VRTDataset rasterXSize="8"')
    return path


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_one_clear_message(tmp_path, name):
    make, expected = REFUSED[name]
    path = make(tmp_path)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(SceneError, match=f"(?s){expected}") as caught:
        Scene.open(path)
    message = str(caught.value)
    assert path.name[:30].replace("\0", "") in message.replace("\0", "") and 20 < len(message) < 2000
    assert "rasterio._err" not in message and "CPLE" not in message
    assert sorted(tmp_path.iterdir()) == before


FLIPPED: tuple[dict[str, object], ...] = (
    dict(),
    dict(compress="deflate", tiled=True),
    dict(driver="COG"),
    dict(driver="PNG", crs=None, transform=Affine.identity()),
    dict(driver="JP2OpenJPEG"),
)


@pytest.mark.parametrize("seed", range(40))
def test_flipped_bytes_are_read_or_refused(tmp_path, seed):
    rng = np.random.default_rng(seed)
    profile = FLIPPED[seed % 5]
    more = dict(photometric=None) if profile.get("driver") in ("PNG", "JP2OpenJPEG", "COG") else {}
    path = write(tmp_path / "scene.tif", numbers(3, 40, 40, kind="uint8", high=255), **more, **profile)
    content = bytearray(path.read_bytes())
    near = min(len(content), 600 if seed % 2 else len(content))
    for at in rng.integers(4, near, 12):
        content[at] = rng.integers(0, 256)
    path.write_bytes(content)
    try:
        scene = Scene.open(path)
        if scene.grid.height * scene.grid.width < 10**6:
            scene.read(Window(0, 0, scene.grid.height, scene.grid.width))
    except HandfulError as error:
        assert "scene.tif" in str(error)


def test_a_sparse_file_is_mapped_where_it_has_pixels(tmp_path):
    scene = Scene.open(sparse(tmp_path, 12_800))
    values, rows, columns = scene.sample(50, 0)
    assert (values == 1).all() and rows.min() >= 12_800 and columns.max() < 256
    assert (tmp_path / "scene.tif").stat().st_size < 10**6


@pytest.mark.parametrize("compress", ["deflate", "lzw", "zstd", "packbits", "lzma", "lerc"])
def test_constant_images_are_no_bombs(tmp_path, compress):
    scene = Scene.open(
        write(
            tmp_path / "a.tif",
            np.full((2, 2000, 2000), 3, np.uint8),
            tiled=True,
            blockxsize=1024,
            blockysize=1024,
            compress=compress,
        )
    )
    assert scene.sample(10, 0)[0].mean() == 3


@pytest.mark.parametrize("relative, source", [(1, "real.tif"), (0, "HERE/real.tif")])
def test_a_vrt_by_its_name_is_read(tmp_path, relative, source):
    scene = Scene.open(vrt(source, relative=relative)(tmp_path))
    assert scene.sample(10, 0)[0].min() >= 1


def test_a_file_that_breaks_later_is_an_error_of_ours(tmp_path):
    path = write(tmp_path / "a.tif", numbers(2, 2048, 2048), tiled=True, compress="deflate")
    scene = Scene.open(path)
    scene.close()
    content = bytearray(path.read_bytes())
    content[len(content) // 4 : len(content) // 2] = b"\xff" * (len(content) // 2 - len(content) // 4)
    path.write_bytes(content)
    with pytest.raises(SceneError, match="a.tif"):
        scene.read(scene.grid.window)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_no_permission_is_the_environments_fault(tmp_path):
    path = write(tmp_path / "a.tif", numbers(1, 4, 4))
    path.chmod(0)
    with pytest.raises(EnvironmentFault, match="permission"):
        Scene.open(path)
