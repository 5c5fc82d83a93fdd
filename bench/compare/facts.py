"""What a reader has to know of a run: the machine, the source, and how it was
built. Collected here, because not every benchmark says it."""

import datetime
import os
import pathlib
import subprocess


def first_line(command):
    """Of its output, or None where it fails."""
    try:
        done = subprocess.run(
            command, check=True, capture_output=True, text=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.partition("\n")[0].strip()


def cpu_model(text):
    """From the text of /proc/cpuinfo."""
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return "unknown"


def machine():
    system = os.uname()
    return {
        "cpu": cpu_model(pathlib.Path("/proc/cpuinfo").read_text("utf-8")),
        "cores": str(os.cpu_count()),
        "kernel": f"{system.sysname} {system.release} {system.machine}",
    }


def build(folder):
    """Compiler and flags of a build folder; nothing where there is none."""
    try:
        text = (pathlib.Path(folder) / "CMakeCache.txt").read_text("utf-8")
    except OSError:
        return {}
    cache = {}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith(("#", "/")):
            cache[name.partition(":")[0]] = value
    compiler = cache.get("CMAKE_CXX_COMPILER", "unknown")
    kind = cache.get("CMAKE_BUILD_TYPE", "").upper()
    flags = [
        cache.get("CMAKE_CXX_FLAGS", ""), cache.get(f"CMAKE_CXX_FLAGS_{kind}", "")
    ]  # fmt: skip
    return {
        "compiler": first_line([compiler, "--version"]) or compiler,
        "flags": " ".join(flags).strip(),
    }


def source(root):
    """The commit, with a + where files were changed since."""
    git = ["git", "-C", str(root)]
    commit = first_line([*git, "rev-parse", "--short", "HEAD"])
    if not commit:
        return "unknown"
    changed = first_line([*git, "status", "--porcelain", "--untracked-files=no"])
    return commit + ("+" if changed else "")


def now():
    time = datetime.datetime.now(datetime.timezone.utc)
    return time.strftime("%Y-%m-%d %H:%M UTC")


def load_average():
    return " ".join(f"{x:.1f}" for x in os.getloadavg())
