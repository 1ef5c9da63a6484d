"""Who imports whom, read from the sources without running them."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

Graph = Mapping[str, frozenset[str]]
Layers = Sequence[Sequence[str]]

ENVIRONMENT = {"environ", "environb", "getenv"}


def sources(root: Path, *packages: str) -> dict[str, str]:
    """Module name -> source text, for every module of `packages` below `root`."""
    return {
        _module_name(path.relative_to(root)): path.read_text(encoding="utf-8")
        for package in packages
        for path in sorted((root / package).rglob("*.py"))
    }


def import_graph(modules: Mapping[str, str]) -> Graph:
    """Module -> those of `modules` that it imports, at its top or inside a function."""
    return {
        name: frozenset(imported_names(source, modules.keys()) & modules.keys()) - {name}
        for name, source in modules.items()
    }


def imported_names(source: str, known: Collection[str] = ()) -> set[str]:
    """Absolute names of all imported modules; `from a import b` is `a.b` where that is a known module.

    Raises `ValueError` for a relative import, which the project does not use.
    """
    return {name for node in ast.walk(ast.parse(source)) for name in _names(node, known)}


def find_cycle(graph: Graph) -> list[str]:
    """The modules of one cycle, first and last the same; empty where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        cycle: list[str] = error.args[1]
        return cycle
    return []


def unplaced(graph: Graph, layers: Layers) -> list[str]:
    """Modules that stand in no layer or in several, and names in a layer that are no module."""
    placed = [name for layer in layers for name in layer]
    return sorted({name for name in {*graph, *placed} if placed.count(name) != 1 or name not in graph})


def arrows_up(graph: Graph, layers: Layers) -> list[str]:
    """Imports of a module in a later layer than the importing one; `unplaced` ones have none to compare."""
    level = {name: number for number, layer in enumerate(layers) for name in layer}
    return [
        f"{importer} -> {imported}"
        for importer in sorted(graph)
        for imported in sorted(graph[importer])
        if {importer, imported} <= level.keys() and level[imported] > level[importer]
    ]


def environment_readers(modules: Mapping[str, str]) -> list[str]:
    """Modules that touch `os.environ` or `os.getenv`, other than to set a variable."""
    return [name for name, source in modules.items() if _reads_environment(ast.parse(source))]


def function_lengths(modules: Mapping[str, str]) -> list[int]:
    """Lines of every function, from `def` to its last line."""
    return [
        (node.end_lineno or node.lineno) - node.lineno + 1
        for source in modules.values()
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def _module_name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _names(node: ast.AST, known: Collection[str]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        if node.level or not node.module:
            raise ValueError(f"line {node.lineno}: expected an absolute import, received a relative one")
        for alias in node.names:
            submodule = f"{node.module}.{alias.name}"
            yield submodule if submodule in known else node.module


def _reads_environment(tree: ast.Module) -> bool:
    nodes = list(ast.walk(tree))
    set_only = {
        id(node.value)
        for node in nodes
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store)
    }
    return any(_is_environment(node) and id(node) not in set_only for node in nodes)


def _is_environment(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute):
        return isinstance(node.value, ast.Name) and node.value.id == "os" and node.attr in ENVIRONMENT
    if isinstance(node, ast.ImportFrom):
        return node.module == "os" and any(alias.name in ENVIRONMENT for alias in node.names)
    return False
