"""`make lock` prints with this what the combinations declare, for uv to choose versions."""

from __future__ import annotations

import tempfile
from pathlib import Path

from generator.matrix import matrix
from generator.matrix.environments import declared


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "kept"
        matrix.run(matrix.Request(stages=["render"], keep=kept))
        print("\n".join(sorted({each for project in kept.iterdir() for each in declared(project)})))


if __name__ == "__main__":
    main()
