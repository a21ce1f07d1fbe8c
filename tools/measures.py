"""The design's measures and arrows, checked: lengths, repetition, and which way imports point.

    python tools/measures.py [src/handful]

Prints a table and what breaks it; exits with 1 where anything does.
"""

from __future__ import annotations

import ast
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

# Imports point from a later line to an earlier one, or stay in theirs.
LAYERS = [
    ["errors", "files", "folder", "process"],
    ["problem", "task", "region", "objects"],
    ["augment"],
    ["solvers", "encoders"],
    ["learner"],
    ["learners"],
    ["meta_train", "checkpoint", "memory", "transfer"],
    ["data", "simulate"],
    ["trust"],
    ["maps", "find", "bench", "pretrain", "estimators"],
    ["report"],
    ["cli"],
]
RANK = {unit: rank for rank, units in enumerate(LAYERS) for unit in units}
GEOGRAPHY, ITS_ROOMS = {"rasterio", "pyogrio", "geopandas", "fiona"}, {"maps", "data"}
LIGHT = {"errors", "files", "folder", "cli", ""}  # what a file of the command line may import before it is called
NOT_LOADED = ["torch", "rasterio", "sklearn", "matplotlib"]  # by `import handful`

MOST_FILE, MEDIAN_FILE = 300, 100
MOST_LEARNER, MEDIAN_LEARNER = 120, 60
MOST_FUNCTION, NINTH_DECILE, MEDIAN_FUNCTION = 40, 25, 7
MOST_SHARED = 0.15
SHORTEST_TELLING = 12  # letters; shorter lines are alike by chance

FunctionNode = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class Module:
    """One file of the package. unit: its folder below the package, or its own name at the top."""

    path: Path
    name: str
    unit: str
    text: str
    tree: ast.Module

    @property
    def lines(self) -> int:
        return self.text.count("\n")

    @property
    def is_learner(self) -> bool:
        return self.unit == "learners" and self.path.name != "__init__.py"


@dataclass
class Row:
    """One line of the table, and what breaks it."""

    measure: str
    found: str
    limit: str
    broken: list[str] = field(default_factory=list)


def read(package: Path) -> list[Module]:
    """All modules of a package, by name."""
    found = []
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        text = path.read_text("utf-8")
        found.append(Module(path, ".".join(parts), parts[0] if parts else "", text, ast.parse(text, str(path))))
    return found


def imported(module: Module, node: ast.stmt) -> Iterator[str]:
    """Full names that an import statement may load, the package's own beginning with `handful`."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            here = ["handful", *filter(None, module.name.split("."))]
            keep = len(here) - node.level + (module.path.name == "__init__.py")
            base = ".".join([*here[:keep], *filter(None, [base])])
        yield base
        yield from (f"{base}.{alias.name}" for alias in node.names)


def unit_of(name: str) -> str | None:
    """The unit of the package that a full name lies in; None for other packages, '' for the package itself."""
    parts = name.split(".")
    if parts[0] != "handful":
        return None
    return parts[1] if len(parts) > 1 and parts[1] in RANK else ""


def imports(module: Module, top_only: bool = False) -> Iterator[tuple[ast.stmt, str]]:
    for node in module.tree.body if top_only else ast.walk(module.tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for name in imported(module, node):
                yield node, name


def arrows(modules: list[Module]) -> Row:
    """Imports that point from a lower layer to a higher one, and layers that the design doesn't know."""
    broken = []
    for module in modules:
        if module.unit in ("", "__main__"):
            continue
        if module.unit not in RANK:
            broken.append(f"{module.path}: '{module.unit}' has no place among the layers of tools/measures.py")
            continue
        for node, name in imports(module):
            unit = unit_of(name)
            if unit and RANK[unit] > RANK[module.unit]:
                broken.append(f"{module.path}:{node.lineno}: {module.unit} imports {unit}, which stands above it")
    return Row("imports that point up", str(len(set(broken))), "0", sorted(set(broken)))


def circles(modules: list[Module]) -> Row:
    """Units of one layer that import each other."""
    edges = {(m.unit, u) for m in modules for _, name in imports(m) if (u := unit_of(name)) and u != m.unit}
    broken = [f"{a} and {b} import each other" for a, b in sorted(edges) if a < b and (b, a) in edges]
    return Row("circles of imports", str(len(broken)), "0", broken)


def geography(modules: list[Module]) -> Row:
    """Libraries of geographic files, outside of the rooms that they live in."""
    broken = {
        f"{module.path}:{node.lineno}: {name.split('.')[0]} lives in {' and '.join(sorted(ITS_ROOMS))} only"
        for module in modules
        for node, name in imports(module)
        if name.split(".")[0] in GEOGRAPHY and module.unit not in ITS_ROOMS
    }
    return Row("geographic libraries elsewhere", str(len(broken)), "0", sorted(broken))


def command_line(modules: list[Module]) -> Row:
    """Machinery that a file of the command line loads before it is called."""
    light = {*sys.stdlib_module_names, "click"}
    broken = set()
    for module in (m for m in modules if m.unit == "cli"):
        for node, name in imports(module, top_only=True):
            unit = unit_of(name)
            if unit not in LIGHT if unit is not None else name.split(".")[0] not in light:
                broken.add(f"{module.path}:{node.lineno}: import {name} inside the function that needs it")
    return Row("machinery at the top of cli/", str(len(broken)), "0", sorted(broken))


def lazy(package: Path) -> Row:
    """Heavy packages that `import handful` loads."""
    code = f"import sys, handful; print(*(name for name in {NOT_LOADED} if name in sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=package.parent, check=False)
    broken = [f"import handful loads {name}" for name in run.stdout.split()] or run.stderr.splitlines()[-1:]
    return Row("`import handful` loads of torch, ...", str(len(broken)), "0", broken)


def lengths(measure: str, modules: list[Module], most: int, median: int) -> list[Row]:
    """The longest and the median of some files, in lines."""
    sizes = {str(m.path): m.lines for m in modules if m.text.strip()}
    if not sizes:
        return []
    longest = [f"{path}: {size} lines, at most {most}" for path, size in sizes.items() if size > most]
    middle = statistics.median(sizes.values())
    long = [f"{measure}: the median is {middle:g} lines, the aim {median}"] if middle > median else []
    return [
        Row(f"{measure}, longest", str(max(sizes.values())), str(most), longest),
        Row(f"{measure}, median", f"{middle:g}", str(median), long),
    ]


def is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function from `def` to its end, without the docstring."""
    first = function.body[0]
    docstring = (first.end_lineno or 0) - first.lineno + 1 if is_docstring(first) else 0
    return (function.end_lineno or 0) - function.lineno + 1 - docstring


def functions(modules: list[Module]) -> list[Row]:
    """The longest, the ninth decile and the median of all functions, in lines without docstring."""
    found = [
        (length(node), f"{m.path}:{node.lineno}: {node.name} has {length(node)} lines, at most {MOST_FUNCTION}")
        for m in modules
        for node in ast.walk(m.tree)
        if isinstance(node, FunctionNode)
    ]
    if not found:
        return []
    sizes = sorted(size for size, _ in found)
    ninth, middle = sizes[max(0, -(-9 * len(sizes) // 10) - 1)], statistics.median(sizes)
    return [
        Row("function, longest", str(sizes[-1]), str(MOST_FUNCTION), [t for size, t in found if size > MOST_FUNCTION]),
        Row("function, 90 % at most", str(ninth), str(NINTH_DECILE), over("ninth decile", ninth, NINTH_DECILE)),
        Row("function, median", f"{middle:g}", str(MEDIAN_FUNCTION), over("median", middle, MEDIAN_FUNCTION)),
    ]


def over(what: str, found: float, aim: float) -> list[str]:
    return [f"functions: the {what} is {found:g} lines, the aim {aim:g}"] if found > aim else []


def telling(module: Module) -> Counter[str]:
    """The lines that say what a learner does: bodies of functions, without imports, signatures and docstrings.

    Signatures are dictated by the one form of a learner, so they are no repetition.
    """
    numbers: set[int] = set()
    for node in ast.walk(module.tree):
        if isinstance(node, FunctionNode):
            body = node.body[is_docstring(node.body[0]) :]
            numbers |= {n for part in body for n in range(part.lineno, (part.end_lineno or 0) + 1)}
    for node in ast.walk(module.tree):
        if isinstance(node, FunctionNode):
            numbers -= set(range(node.lineno, node.body[0].lineno))
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            numbers -= set(range(node.lineno, (node.end_lineno or 0) + 1))
    lines = module.text.splitlines()
    texts = (lines[n - 1].split("#")[0].strip() for n in sorted(numbers))
    return Counter(text for text in texts if len(text) >= SHORTEST_TELLING)


def shared(modules: list[Module]) -> Row:
    """The largest share of a learner's lines that stand in a sibling too."""
    tables = {m.path: telling(m) for m in modules if m.is_learner}
    worst, broken = 0.0, []
    for path, table in tables.items():
        for other, lines in tables.items():
            if other == path or not table:
                continue
            share = (table & lines).total() / table.total()
            worst = max(worst, share)
            if share > MOST_SHARED:
                broken.append(f"{path}: {share:.0%} of its lines stand in {other.name} too, at most {MOST_SHARED:.0%}")
    return Row("learner, lines shared", f"{worst:.0%}", f"{MOST_SHARED:.0%}", broken)


def measure(package: Path) -> list[Row]:
    """Every measure of the package in this folder."""
    modules = read(package)
    learners = [m for m in modules if m.is_learner]
    others = [m for m in modules if not m.is_learner]
    return [
        arrows(modules),
        circles(modules),
        geography(modules),
        command_line(modules),
        lazy(package),
        *lengths("learner file", learners, MOST_LEARNER, MEDIAN_LEARNER),
        *lengths("other file", others, MOST_FILE, MEDIAN_FILE),
        *functions(modules),
        shared(modules),
    ]


def main(arguments: list[str]) -> int:
    package = Path(arguments[0]) if arguments else Path(__file__).parents[1] / "src" / "handful"
    table = measure(package)
    for row in table:
        print(f"{'ok ' if not row.broken else 'BAD'}  {row.measure:<38} {row.found:>6}  of {row.limit}")
    broken = [line for row in table for line in row.broken]
    print(*broken, sep="\n", end="\n" if broken else "")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
