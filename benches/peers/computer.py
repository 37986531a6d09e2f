"""What the figures were measured on, and with: computer, versions, sizes on disk."""
import datetime
import os
import pathlib
import platform
import subprocess
from importlib import metadata

FLAGS = ("avx2", "fma", "avx512f", "avx512bw", "avx512vl", "avx512_vpopcntdq", "avx512_bf16", "amx_tile")


def describe(options):
    """The computer, at this moment."""
    names = ("numpy", "scipy", "scikit-learn", "torch", "rbms", "harmonium")
    command = [options.harmonium, "--version"]
    return {
        "date": datetime.date.today().isoformat(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": options.threads,
        "load_average": os.getloadavg()[0],  # near 0 where nobody else is at work
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: version(name) for name in names},
        "harmonium": subprocess.run(command, capture_output=True, text=True).stdout.strip(),
        "sizes": {name: size_on_disk(name) for name in names if version(name)}
        | {"harmonium program": {"all": pathlib.Path(options.harmonium).stat().st_size}},
    }


def processor():
    """Its name, model number and those instruction sets that matter here."""
    try:
        text = pathlib.Path("/proc/cpuinfo").read_text().split("\n\n")[0]
    except OSError:
        return {"name": platform.processor()}
    lines = (line.split(":", 1) for line in text.splitlines() if ":" in line)
    facts = {key.strip(): value.strip() for key, value in lines}
    return {
        "name": facts.get("model name"),
        "family": facts.get("cpu family"),
        "model": facts.get("model"),
        "instructions": [flag for flag in FLAGS if flag in facts.get("flags", "").split()],
    }


def version(name):
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def size_on_disk(name):
    """Bytes of a package and all that it needs; `without_gpu` leaves out what only serves GPUs."""
    sizes = {}
    collect(name, set(), sizes)
    of_gpu = ("nvidia-", "cuda-", "triton")
    return {
        "all": sum(sizes.values()),
        "without_gpu": sum(size for key, size in sizes.items() if not key.startswith(of_gpu)),
    }


def collect(name, extras, sizes):
    from packaging.requirements import Requirement

    try:
        distribution = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return
    key = distribution.metadata["Name"].lower()
    if key in sizes and not extras:
        return
    files = (file.locate() for file in distribution.files or [])
    sizes[key] = sum(os.path.getsize(path) for path in files if os.path.isfile(path))
    for text in distribution.requires or []:
        needed = Requirement(text)
        marker = needed.marker
        if not marker or any(marker.evaluate({"extra": extra}) for extra in extras | {""}):
            collect(needed.name, needed.extras, sizes)
