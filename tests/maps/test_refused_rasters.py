"""Hostile and broken rasters: one error of ours that names the file, and never another."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.control import GroundControlPoint
from rasterio.rpc import RPC

from handful.errors import HandfulError, SceneError
from handful.maps.scene import Scene

HERE = Affine(10, 0, 500_000, 0, -10, 5_400_000)


def write(path: Path, values: np.ndarray, **profile: object) -> Path:
    """Write values (bands, height, width) on a plain grid."""
    count, height, width = values.shape
    settings = {"driver": "GTiff", "crs": "EPSG:32631", "transform": HERE, **profile}
    with rasterio.open(path, "w", count=count, height=height, width=width, dtype=values.dtype, **settings) as raster:
        raster.write(values)
    return path


def noise(bands: int = 3, height: int = 40, width: int = 50, dtype: str = "uint16") -> np.ndarray:
    values = np.random.default_rng(0).integers(1, 100, (bands, height, width))
    return values.astype(dtype)


def cut(path: Path, share: float) -> Path:
    content = path.read_bytes()
    path.write_bytes(content[: max(1, int(len(content) * share))])
    return path


def missing(folder: Path) -> Path:
    return folder / "missing.tif"


def empty(folder: Path) -> Path:
    (folder / "empty.tif").touch()
    return folder / "empty.tif"


def a_folder(folder: Path) -> Path:
    (folder / "S2A.SAFE").mkdir()
    return folder / "S2A.SAFE"


def a_pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe.tif")
    return folder / "pipe.tif"


def holds(name: str, content: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    make.__name__ = f"holds_{name}_{content[:6]!r}"
    return make


def truncated(driver: str, share: float, **profile: object) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        values = noise(3, 300, 300, "uint8")
        return cut(write(folder / "cut.img", values, driver=driver, **profile), share)

    make.__name__ = f"truncated_{driver}_{share}_{'_'.join(map(str, profile.values()))}"
    return make


def tiff(
    width: int, height: int, *, bits: int = 8, compression: int = 1, rows: int = 1, data: bytes = b"x" * 64
) -> bytes:
    """A TIFF with one strip of data, whatever its header says."""
    entries = [
        (256, 4, width),
        (257, 4, height),
        (258, 3, bits),
        (259, 3, compression),
        (262, 3, 1),
        (273, 4, 8),
        (277, 3, 1),
        (278, 4, rows),
        (279, 4, len(data)),
    ]
    directory = struct.pack("<H", len(entries))
    for tag, kind, value in entries:
        directory += struct.pack("<HHII", tag, kind, 1, value)
    return b"II*\0" + struct.pack("<I", 8 + len(data)) + data + directory + b"\0\0\0\0"


def tiled_lie(width: int, height: int) -> bytes:
    """A TIFF of tiles whose tables should be far longer than the file."""
    entries = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 16), (259, 3, 1, 1), (262, 3, 1, 1), (277, 3, 1, 1)]
    entries += [(322, 4, 1, 256), (323, 4, 1, 256)]
    tiles = min(-(-width // 256) * -(-height // 256), 2**32 - 1)
    entries += [(324, 4, tiles, 8), (325, 4, tiles, 8)]
    directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<I", 72) + b"x" * 64 + directory + b"\0\0\0\0"


def png(width: int, height: int) -> bytes:
    """A PNG whose header promises more than its data hold."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(b"\0" * 100))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body + chunk(b"IEND", b"")


def complex_numbers(folder: Path) -> Path:
    return write(folder / "slc.tif", noise().astype(np.complex64))


def complex_integers(folder: Path) -> Path:
    path = folder / "slc16.tif"
    with rasterio.open(path, "w", driver="GTiff", count=1, height=4, width=4, dtype="complex_int16", transform=HERE):
        pass
    return path


def too_many_bands(folder: Path) -> Path:
    return write(folder / "many.tif", np.ones((1025, 2, 2), np.uint8))


def rotated(folder: Path) -> Path:
    return write(folder / "turned.tif", noise(), transform=HERE * Affine.rotation(20))


def quarter_turn(folder: Path) -> Path:
    return write(folder / "quarter.tif", noise(), transform=HERE * Affine.rotation(90))


def ground_points(folder: Path) -> Path:
    path = write(folder / "gcps.tif", noise(), transform=None, crs=None)
    points = [GroundControlPoint(r, c, 2 + c / 100, 48 - r / 100) for r, c in ((0, 0), (0, 50), (40, 0), (40, 50))]
    with rasterio.open(path, "r+") as raster:
        raster.gcps = points, rasterio.crs.CRS.from_epsg(4326)
    return path


def camera_model(folder: Path) -> Path:
    path = write(folder / "rpc.tif", noise(), transform=None, crs=None)
    one = [1.0] + [0.0] * 19
    model = RPC(0, 100, 48, 0.1, one, one, 20, 20, 2, 0.1, one, one, 25, 25, 0.1, 0.1)
    with rasterio.open(path, "r+") as raster:
        raster.rpcs = model
    return path


def only_nodata(folder: Path) -> Path:
    return write(folder / "nothing.tif", np.zeros((3, 20, 20), np.uint16), nodata=0)


def only_zeros(folder: Path) -> Path:
    return write(folder / "zeros.tif", np.zeros((3, 20, 20), np.uint16))


def only_nan(folder: Path) -> Path:
    return write(folder / "nan.tif", np.full((2, 20, 20), np.nan, np.float32))


def all_transparent(folder: Path) -> Path:
    values = noise(4, dtype="uint8")
    values[3] = 0
    return write(folder / "alpha.tif", values, photometric="RGB", alpha="YES")


def several_pages(folder: Path) -> Path:
    path = folder / "pages.tif"
    for page in range(2):
        with rasterio.open(
            path,
            "w",
            driver="GTiff",
            count=1,
            height=8,
            width=8,
            dtype="uint8",
            APPEND_SUBDATASET="YES" if page else "NO",
        ) as raster:
            raster.write(noise(1, 8, 8, "uint8"))
    return path


def disguised_vrt(name: str, source: str = "scene.tif") -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        write(folder / "scene.tif", noise())
        (folder / name).write_text(virtual(source))
        return folder / name

    make.__name__ = f"vrt_named_{name}_of_{source}".replace("/", ".")
    return make


def virtual(source: str, relative: int = 1) -> str:
    return (
        '<VRTDataset rasterXSize="50" rasterYSize="40"><GeoTransform>5e5,10,0,5.4e6,0,-10</GeoTransform>'
        '<VRTRasterBand dataType="UInt16" band="1"><SimpleSource>'
        f'<SourceFilename relativeToVRT="{relative}">{source}</SourceFilename><SourceBand>1</SourceBand>'
        "</SimpleSource></VRTRasterBand></VRTDataset>"
    )


OGR_VRT = (
    b'<OGRVRTDataSource><OGRVRTLayer name="a"><SrcDataSource>/etc/passwd</SrcDataSource></OGRVRTLayer>'
    b"</OGRVRTDataSource>"
)
WMS = b"<GDAL_WMS><Service name='TMS'><ServerUrl>http://localhost/x</ServerUrl></Service></GDAL_WMS>"

REFUSED: list[Callable[[Path], Path]] = [
    missing,
    empty,
    a_folder,
    a_pipe,
    holds("text.tif", b"not a raster at all\n"),
    holds("one-byte.tif", b"I"),
    holds("magic-only.tif", b"II*\0"),
    holds("big-magic-only.tif", b"II+\0\x08\0\0\0"),
    holds("no-directory.tif", b"II*\0\xff\xff\xff\xff" + b"\0" * 40),
    holds("random.tif", np.random.default_rng(1).bytes(5_000)),
    holds("magic-then-random.tif", b"II*\0\x08\0\0\0" + np.random.default_rng(2).bytes(5_000)),
    holds("zeros.tif", bytes(4_096)),
    holds("page.tif", b"<!DOCTYPE html><html><body>404</body></html>"),
    holds("labels.geojson", b'{"type": "FeatureCollection", "features": []}'),
    holds("archive.tif", b"PK\x03\x04" + bytes(100)),
    holds("archive.tif.gz", b"\x1f\x8b" + bytes(100)),
    holds("document.tif", b"%PDF-1.4\n" + bytes(100)),
    holds("script.vrt", b"#!/bin/sh\n"),
    holds("ogr.vrt", OGR_VRT),
    holds("ogr.tif", OGR_VRT),
    holds("wms.tif", WMS),
    holds("wms.xml", WMS),
    holds("broken.vrt", b"<VRTDataset rasterXSize='5'"),
    holds("bare.png", b"\x89PNG\r\n\x1a\n"),
    holds("bare.jp2", b"\0\0\0\x0cjP  \r\n\x87\n"),
    holds("bare.jpg", b"\xff\xd8\xff\xe0"),
    holds("bare.nc", b"CDF\x01"),
    holds("bare.h5", b"\x89HDF\r\n\x1a\n"),
    holds("bare.gpkg", b"SQLite format 3\0"),
    holds("bare.img", b"EHFA_HEADER_TAG"),
    holds("huge.tif", tiff(2_000_000_000, 2_000_000_000, rows=2_000_000_000)),
    holds("wide.tif", tiff(2_000_000_000, 1)),
    holds("tall.tif", tiff(1, 2_000_000_000)),
    holds("tall-deflate.tif", tiff(100_000, 100_000, compression=8, rows=100_000, data=zlib.compress(bytes(10_000)))),
    holds("short-strip.tif", tiff(1_000, 1_000, rows=1_000)),
    holds("no-pixel.tif", tiff(0, 0)),
    holds("negative.tif", tiff(0xFFFFFFFF, 0xFFFFFFFF)),
    holds("bits.tif", tiff(8, 8, bits=65_535, rows=8)),
    holds("unknown-compression.tif", tiff(8, 8, compression=12_345, rows=8)),
    holds("bad-deflate.tif", tiff(8, 8, compression=8, rows=8, data=b"\xff" * 64)),
    holds("tiles.tif", tiled_lie(1_000_000, 1_000_000)),
    holds("many-tiles.tif", tiled_lie(2_000_000_000, 2_000_000_000)),
    holds("huge.png", png(60_000, 60_000)),
    holds("endless.png", png(2_147_483_647, 2_147_483_647)),
    holds("short.png", png(1_000, 1_000)),
    *(truncated("GTiff", share) for share in (0.02, 0.5, 0.9, 0.99)),
    *(truncated("GTiff", share, tiled=True, blockxsize=64, blockysize=64, compress="deflate") for share in (0.5, 0.95)),
    *(truncated("COG", share) for share in (0.3, 0.9)),
    *(truncated("JP2OpenJPEG", share) for share in (0.1, 0.6, 0.95)),
    *(truncated("PNG", share) for share in (0.01, 0.5, 0.95)),
    *(truncated("JPEG", share) for share in (0.01, 0.5, 0.95)),
    *(truncated("HFA", share) for share in (0.05, 0.5)),
    *(truncated("ENVI", share) for share in (0.5, 0.9)),
    complex_numbers,
    complex_integers,
    too_many_bands,
    rotated,
    quarter_turn,
    ground_points,
    camera_model,
    only_nodata,
    only_zeros,
    only_nan,
    all_transparent,
    several_pages,
    disguised_vrt("scene2.tif"),
    disguised_vrt("no-ending"),
    disguised_vrt("missing-source.vrt", "gone.tif"),
    disguised_vrt("itself.vrt", "itself.vrt"),
    disguised_vrt("remote.vrt", "/vsicurl/http://localhost/x.tif"),
    disguised_vrt("address.vrt", "http://localhost/x.tif"),
    disguised_vrt("secret.vrt", "/etc/passwd"),
    disguised_vrt("escaped.vrt", "/vsi&#99;url/http://localhost/x.tif"),
]


@pytest.mark.parametrize("make", REFUSED, ids=[make.__name__ for make in REFUSED])
def test_refused_with_the_file_named(make: Callable[[Path], Path], tmp_path: Path) -> None:
    path = make(tmp_path)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(SceneError) as raised:
        Scene.open([path])
    assert path.name in str(raised.value)
    assert len(str(raised.value)) < 1_500
    assert sorted(tmp_path.iterdir()) == before  # nothing left behind


@pytest.mark.parametrize(
    "name",
    ["http://localhost/scene.tif", "/vsicurl/http://localhost/a.tif", "s3://bucket/a.tif", "/vsizip/a.zip/b.tif"],
)
def test_no_address_is_opened(name: str) -> None:
    with pytest.raises(SceneError, match="download|file"):
        Scene.open([name])


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_header_gives_our_error_or_a_scene(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    driver = ("GTiff", "GTiff", "JP2OpenJPEG", "PNG")[seed % 4]
    path = write(tmp_path / "damaged.tif", noise(3, 60, 60, "uint8"), driver=driver)
    content = bytearray(path.read_bytes())
    where = rng.integers(0, min(len(content), 600), 6) if seed % 3 else rng.integers(0, len(content), 40)
    for place in where:
        content[place] = rng.integers(256)
    path.write_bytes(content)
    try:
        scene = Scene.open([path])
        scene.read(
            scene.grid.window
            if scene.grid.height * scene.grid.width < 1e6
            else scene.grid.window._replace(height=9, width=9)
        )
        scene.sample(50, 0)
    except HandfulError as error:
        assert "damaged.tif" in str(error)


def test_a_message_that_is_not_text_prints_no_traceback(tmp_path: Path) -> None:
    """GDAL repeats bytes of a damaged file in its messages; rasterio prints a traceback where they aren't UTF-8."""
    path = write(tmp_path / "damaged.tif", noise(3, 60, 60, "uint8"), compress="deflate")
    script = (
        "import sys, numpy as np\n"
        "from handful.errors import HandfulError\n"
        "from handful.maps.scene import Scene\n"
        "path, content = sys.argv[1], open(sys.argv[1], 'rb').read()\n"
        "for seed in range(60):\n"
        "    rng, damaged = np.random.default_rng(seed), bytearray(content)\n"
        "    for place in rng.integers(0, len(damaged), 40): damaged[place] = rng.integers(128, 256)\n"
        "    open(path, 'wb').write(damaged)\n"
        "    try: Scene.open([path])\n"
        "    except HandfulError: pass\n"
    )
    told = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, check=True, timeout=120)
    assert b"Traceback" not in told.stderr and b"Exception ignored" not in told.stderr


def test_a_grid_without_area_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "flat.tif", noise(), transform=Affine(1e-200, 0, 5, 0, -1e-200, 6))
    with pytest.raises(SceneError, match="flat.tif"):
        Scene.open([path])
