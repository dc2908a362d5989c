"""Cut a release: `make release VERSION=0.2.0` checks, snapshots, and says what to tag."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import re
import subprocess
import sys
import tarfile
from pathlib import Path

from packaging.version import InvalidVersion, Version

ROOT = Path(__file__).parent
# What a render and an update to this version read.
CONTENT = (
    "CHANGELOG.md",
    "backends.yml",
    "copier.yml",
    "moves.yml",
    "reserved_names.yml",
    "template",
)


def main(text: str) -> None:
    version = checked(text)
    write_changelog(version)
    project = ROOT / "pyproject.toml"
    line = re.compile(r'^version = ".*"$', re.MULTILINE)
    project.write_text(line.sub(f'version = "{version}"', project.read_text(), count=1))
    snapshot = ROOT / f"releases/v{version}.tar.gz"
    snapshot.write_bytes(packed(ROOT))
    print(f"Wrote {snapshot.relative_to(ROOT)}, CHANGELOG.md and pyproject.toml. Now:")
    print(f"  git add --all && git commit -m 'Release {version}'")
    print(f"  git tag --annotate v{version} -m {version} && git push --follow-tags")


def checked(text: str) -> Version:
    try:
        version = Version(text)
    except InvalidVersion:
        sys.exit(f'Error: "{text}" is not a version (PEP 440). Example: make release VERSION=0.2.0')
    if str(version) != text:
        sys.exit(f"Error: {text} is written {version}. Use that: tags and snapshots are named so.")
    released = [Version(file.name[1:-7]) for file in (ROOT / "releases").glob("v*.tar.gz")]
    if released and version <= max(released):
        sys.exit(f"Error: {version} is not newer than {max(released)}. Choose a higher one.")
    if git("status", "--porcelain"):
        sys.exit("Error: there are uncommitted changes. Commit them: a release is a commit.")
    if not unreleased().strip():
        sys.exit("Error: CHANGELOG.md has nothing under [Unreleased]. Say what changed.")
    return version


def git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout


def unreleased() -> str:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    return text.partition("## [Unreleased]\n")[2].partition("\n## [")[0]


def write_changelog(version: Version) -> None:
    file = ROOT / "CHANGELOG.md"
    head = f"## [Unreleased]\n\n## [{version}] - {dt.datetime.now(dt.UTC).date()}\n"
    text = file.read_text(encoding="utf-8").replace("## [Unreleased]\n", head, 1)
    file.write_text(text, encoding="utf-8")


def packed(root: Path) -> bytes:
    """Pack what git knows of the template; the same content gives the same bytes."""
    names = git("ls-files", "-z", "--", *CONTENT).split("\0")
    inner = io.BytesIO()
    with tarfile.open(fileobj=inner, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name in sorted(filter(None, names)):
            entry = tarfile.TarInfo(name)
            content = (root / name).read_bytes()
            entry.size, entry.mode = len(content), 0o644 | ((root / name).stat().st_mode & 0o111)
            tar.addfile(entry, io.BytesIO(content))
    return gzip.compress(inner.getvalue(), mtime=0)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
