"""Builds what a bench needs, under target/: the release binary, the C and Rust yardsticks, a Python with Twisted."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
YARDSTICK = ROOT / "benches" / "yardstick"
BUILT = TARGET / "yardstick"
VENV = TARGET / "venv"

_binary = TARGET / "release" / "netproto"


def netproto() -> str:
    return str(_binary)


def yardstick(name: str) -> str:
    return str(BUILT / name)


def twisted_echo() -> list[str]:
    return [str(VENV / "bin" / "python"), str(YARDSTICK / "twisted_echo.py")]


def aiosmtpd_sink() -> list[str]:
    return [str(VENV / "bin" / "python"), str(YARDSTICK / "aiosmtpd_sink.py")]


def stall() -> list[str]:
    return [sys.executable, str(YARDSTICK / "stall.py")]


def prepare(needs: set[str], binary: str | None) -> None:
    """`needs` names what the chosen benches use: netproto, c, hello, twisted, aiosmtpd."""
    global _binary
    BUILT.mkdir(parents=True, exist_ok=True)
    if binary:
        _binary = Path(binary).resolve()
    elif "netproto" in needs:
        _run("netproto (release)", ["cargo", "build", "--release", "--bin", "netproto"])
    if "c" in needs:
        _yardsticks()
    if "hello" in needs:
        _hello()
    if "twisted" in needs:
        _python_with("twisted", "Twisted")
    if "aiosmtpd" in needs:
        _python_with("aiosmtpd", "aiosmtpd")


def release_from_nothing() -> float:
    """Seconds of a first release build, in a target directory of its own; it is removed afterwards."""
    directory = TARGET / "bench-build"
    shutil.rmtree(directory, ignore_errors=True)
    start = time.monotonic()
    try:
        _run("netproto (release, from nothing)", ["cargo", "build", "--release", "--target-dir", str(directory)])
        return time.monotonic() - start
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _yardsticks() -> None:
    header = YARDSTICK / "yardstick.h"
    for source in sorted(YARDSTICK.glob("*.c")):
        built = BUILT / source.stem
        if _older(built, source, header):
            _run(source.name, ["cc", "-O2", "-Wall", "-pthread", "-o", str(built), str(source), "-lm"])


def _hello() -> None:
    source = YARDSTICK / "hello" / "main.rs"
    if _older(BUILT / "hello", source):
        _run("hello", ["rustc", "-O", "--edition", "2024", "-o", str(BUILT / "hello"), str(source)])


def _python_with(package: str, name: str) -> None:
    python = VENV / "bin" / "python"
    if not python.exists():
        _run("a Python environment", [sys.executable, "-m", "venv", str(VENV)])
    if subprocess.run([python, "-c", f"import {package}"], stderr=subprocess.DEVNULL, check=False).returncode:
        _run(name, [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", package])


def _older(built: Path, *sources: Path) -> bool:
    return not built.exists() or any(source.stat().st_mtime > built.stat().st_mtime for source in sources)


def _run(what: str, command: list[str]) -> None:
    print(f"building {what}", file=sys.stderr, flush=True)
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        sys.exit(f"benches/run: could not build {what}")
