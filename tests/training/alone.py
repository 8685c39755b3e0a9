"""Runs the trainer of an archive where there is nothing but jax, flax, optax and what they need.

As a script: archive, then the trainer's arguments. Isolated (python -I), so that no other folder
of this project is on sys.path.
"""

import importlib.metadata
import re
import sys
from importlib.machinery import BuiltinImporter, FrozenImporter, ModuleSpec, PathFinder
from typing import Any

GIVEN = ("jax", "jaxlib", "flax", "optax", "numpy")
CARRIED = ("training", "evaluation", "mctx", "chex", "toolz")
REFUSED = ("tqdm", "safetensors", "django")


class Given:
    """Finds what Python itself has and what is given; what the archive carries only there."""

    find_distributions = staticmethod(PathFinder.find_distributions)

    def __init__(self, names: set[str], archive: str) -> None:
        self.names, self.archive = names, archive

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        top = name.partition(".")[0]
        if top in CARRIED:
            inside = [place for place in sys.path if place.startswith(self.archive)]
            return PathFinder.find_spec(name, path or inside, target)
        is_given = top in self.names or top.startswith("_sysconfigdata")
        return PathFinder.find_spec(name, path, target) if is_given else None


def modules_of(distributions: tuple[str, ...]) -> set[str]:
    """What can be imported of these and of all that they need, but for what the archive carries."""
    names: set[str] = set()
    todo = [*distributions]
    while todo:
        name = re.sub(r"[-_.]+", "-", todo.pop()).lower()
        if name in names or name in CARRIED:
            continue
        try:
            needs = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        names.add(name)
        todo += [re.split(r"[^\w.-]", need)[0] for need in needs if "extra ==" not in need]
    owners = importlib.metadata.packages_distributions()
    return {
        module
        for module, dists in owners.items()
        if any(re.sub(r"[-_.]+", "-", dist).lower() in names for dist in dists)
    }


def main() -> int:
    archive, *arguments = sys.argv[1:]
    given = modules_of(GIVEN)
    assert not given & {*CARRIED, *REFUSED}, given
    assert not {*CARRIED, *REFUSED} & sys.modules.keys()
    finder: Any = Given(given | sys.stdlib_module_names, archive)
    sys.meta_path[:] = [BuiltinImporter, FrozenImporter, finder]
    sys.path.insert(0, archive)
    sys.argv = ["training", *arguments]

    from training.__main__ import main as train

    code = train()
    for module in [sys.modules[name] for name in CARRIED if name in sys.modules]:
        assert str(module.__file__).startswith(archive), module
    return code


if __name__ == "__main__":
    sys.exit(main())
