"""`make lock`: pins what pyproject.toml's pinned dependencies need in turn, with hashes, in requirements.lock.

PyTorch has two entries. On Linux, PyPI's build brings 3 GB for graphics cards, which nothing here uses: there it is the
CPU build, from PyTorch's own index. Elsewhere PyPI's build is one for the CPU.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements.lock"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
_LINUX = 'sys_platform == "linux" and platform_machine == "x86_64"'
_ELSEWHERE = 'sys_platform != "linux" or platform_machine != "x86_64"'
_ENTRY = re.compile(r"^torch==([^\s;+]+)\S* \\\n((?: +--hash=\S+(?: \\)?\n)+)((?: +#.*\n)*)", re.MULTILINE)
_OPTIONS = ("--quiet", "--generate-hashes", "--strip-extras", "--allow-unsafe", "--no-emit-index-url",
            "--no-emit-find-links", "--no-emit-trusted-host")  # fmt: skip


def _compile(source: Path, target: Path, *options: str) -> str:
    command = [sys.executable, "-m", "piptools", "compile", *_OPTIONS, *options, "--output-file", target, source]
    subprocess.run(command, check=True, cwd=ROOT)
    return target.read_text()


def main() -> None:
    lock = _compile(Path("pyproject.toml"), LOCK, "--extra=dev", "--extra=postgres", f"--extra-index-url={CPU_INDEX}")
    here = _ENTRY.search(lock)
    assert here, "pyproject.toml does not ask for torch"
    version, hashes, via = here.groups()
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder) / "torch.in"
        wanted.write_text(f"torch==={version}\n")  # and no other build
        elsewhere = _ENTRY.search(_compile(wanted, Path(folder) / "torch.txt", "--index-url=https://pypi.org/simple"))
    assert elsewhere, "PyPI has no such torch"
    both = f"torch=={version}+cpu ; {_LINUX} \\\n{hashes}{via}torch=={version} ; {_ELSEWHERE} \\\n{elsewhere[2]}{via}"
    LOCK.write_text(lock.replace(here[0], both))


if __name__ == "__main__":
    main()
