"""Draws mutants: places in the source by chance, each with one small fault, as JSON lines.

    python draw.py --count 300 --seed 1 src/unlost/vault > mutants.jsonl

Cosmic Ray knows where a fault can be put and how (its operators); it runs with that installed. Each place
has the same chance, however many operators there are for it; annotations and the words of ``dataclass``
are left out: a type checker holds people to them.
"""

import argparse
import ast
import json
import random
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cosmic_ray.ast
import cosmic_ray.plugins
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Operator

type Place = tuple[Path, int, int]  # a file, a line from 1, a column


@dataclass(frozen=True, slots=True)
class Mutant:
    """A file with one fault in it, in that line."""

    path: str
    line: int
    operator: str
    before: str
    after: str
    source: str


@dataclass(frozen=True, slots=True)
class Fault:
    """The n-th place in a file where an operator can put its fault."""

    operator: str
    occurrence: int


def operators() -> dict[str, Operator]:
    """All that need no arguments, by name."""
    found = {
        name: cosmic_ray.plugins.get_operator(name) for name in cosmic_ray.plugins.operator_names()
    }
    return {name: kind() for name, kind in sorted(found.items()) if not kind.arguments()}


def for_checkers(source: str) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """From where to where go annotations and how classes are decorated."""
    for node in ast.walk(ast.parse(source)):
        parts: Sequence[ast.AST | None] = ()
        if isinstance(node, ast.arg | ast.AnnAssign):
            parts = (node.annotation,)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            parts = (node.returns,)
        elif isinstance(node, ast.TypeAlias):
            parts = (node.value,)
        elif isinstance(node, ast.ClassDef):
            parts = node.decorator_list
        for part in parts:
            if isinstance(part, ast.expr) and part.end_lineno and part.end_col_offset:
                yield (part.lineno, part.col_offset), (part.end_lineno, part.end_col_offset)


def places(file: Path, known: dict[str, Operator]) -> dict[Place, list[Fault]]:
    """Where a file can be given a fault, and which."""
    source = file.read_text("utf-8")
    passed, found = list(for_checkers(source)), defaultdict[Place, list[Fault]](list)
    nodes = list(cosmic_ray.ast.ast_nodes(cosmic_ray.ast.get_ast(source)))
    for name, operator in known.items():
        at = [start for node in nodes for start, _ in operator.mutation_positions(node)]
        for occurrence, start in enumerate(at):
            if not any(low <= start < high for low, high in passed):
                found[(file, *start)].append(Fault(name, occurrence))
    return found


def mutant(place: Place, fault: Fault, operator: Operator) -> Mutant | None:
    """The file with that fault; None if it says the same as before, or nothing that can be read."""
    file, line, _ = place
    source = file.read_text("utf-8")
    told = mutate_code(source, operator, fault.occurrence)
    try:
        same = told is None or ast.dump(ast.parse(told)) == ast.dump(ast.parse(source))
    except SyntaxError:
        return None
    if told is None or same:
        return None
    pairs = zip(source.splitlines(), told.splitlines(), strict=False)
    before, after = next(((a, b) for a, b in pairs if a != b), ("", ""))
    return Mutant(str(file), line, fault.operator, before.strip(), after.strip(), told)


def drawn(folders: Sequence[Path], *, count: int, seed: int) -> Iterator[Mutant]:
    """Mutants at so many places, or at all if there are not as many."""
    known, dice = operators(), random.Random(seed)
    files = sorted(file for folder in folders for file in folder.rglob("*.py"))
    found = {place: faults for file in files for place, faults in places(file, known).items()}
    order = sorted(found)
    dice.shuffle(order)
    print(f"{len(order)} places in {len(files)} files", file=sys.stderr)
    made = 0
    for place in order:
        fault = dice.choice(found[place])
        one = mutant(place, fault, known[fault.operator])
        if one is not None and made < count:
            made += 1
            yield one
        if made == count:
            return


def main() -> None:
    """Print mutants as JSON lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    for one in drawn(asked.folders, count=asked.count, seed=asked.seed):
        print(json.dumps(asdict(one)))


if __name__ == "__main__":
    main()
