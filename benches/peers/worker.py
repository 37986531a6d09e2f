"""The process in which one peer is measured: `python worker.py`, a job as a line of JSON on stdin.

It answers with lines of JSON on stdout. What a peer prints goes nowhere. Nothing is imported here that
a peer does not import, so that the peak memory of the process is the peer's own.
"""
import importlib
import json
import os
import resource
import sys
import time

WARM_UP = 20  # updates; then as many again, to find how many fit into the time


def main():
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    job = json.loads(sys.stdin.readline())
    send = lambda answer: print(json.dumps(answer), file=answers)
    try:
        peer = importlib.import_module(f"peers.{job['peer']}").Peer(job)
    except ImportError as cause:
        return send({"missing": str(cause)})
    except Exception as cause:  # a setting that it does not have, data that it does not take
        return send({"failed": f"{type(cause).__name__}: {cause}"})
    {"speed": speed, "curve": curve}[job["measure"]](peer, job, send)


def speed(peer, job, send):
    """Seconds of as many updates as fit into `job["seconds"]`."""
    peer.timed(WARM_UP)
    each = peer.timed(WARM_UP) / WARM_UP
    updates = min(max(WARM_UP, round(job["seconds"] / each)), 1_000_000)
    seconds = peer.timed(updates)
    memory = peak_memory()
    weights, visible_bias, hidden_bias = peer.parameters()
    send(
        {
            "updates": updates,
            "seconds": seconds,
            "samples_per_second": updates * job["batch"] / seconds,
            "peak_memory": memory,
            "learned": learned(job, weights, visible_bias, hidden_bias),
            "details": peer.details(),
            "pools": pools(),
        }
    )


def curve(peer, job, send):
    """For each line on stdin, a number of seconds: the model after that many seconds of training, and how
    many cores others had in them."""
    import measure
    import model_file

    seconds, updates, each, others = 0.0, 0, None, 0.0
    for line in iter(sys.stdin.readline, ""):
        mark = float(line)
        while seconds < mark:
            chunk = 1 if each is None else max(1, int((mark - seconds) / each))
            others -= measure.busy() - time.process_time()
            took = peer.timed(chunk)
            others += measure.busy() - time.process_time()
            seconds, updates, each = seconds + took, updates + chunk, took / chunk
        path = os.path.join(job["folder"], f"{job['peer']}-{updates}.safetensors")
        model_file.write(path, *peer.parameters(), origin=job["peer"])
        company = max(0.0, others / seconds)
        send({"seconds": seconds, "updates": updates, "others": company, "model": path})


def peak_memory():
    """Bytes, of this process or of the program that it ran. What getrusage says of this process would
    on Linux include the parent's memory at the fork."""
    with open("/proc/self/status") as status:
        own = next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
    return 1024 * max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)


def learned(job, weights, visible_bias, hidden_bias):
    """Mean squared error of 500 examples taken to the hidden units and back, and that of the mean
    picture: a check that what is timed does learn."""
    import numpy as np

    sigmoid = lambda x: 1 / (1 + np.exp(-x))
    v = np.load(job["data"], mmap_mode="r")[:500].astype(np.float32)
    if v.max() > 1:
        v /= 255
    back = sigmoid(sigmoid(v @ weights + hidden_bias) @ weights.T + visible_bias)
    error = lambda x: float(np.mean((v - x) ** 2))
    return {"error": error(back), "error_of_mean": error(v.mean(axis=0))}


def pools():
    """The libraries with threads in this process, and the kernels that they chose."""
    from threadpoolctl import threadpool_info

    wanted = ("internal_api", "version", "architecture", "num_threads")
    return [{key: pool[key] for key in wanted if pool.get(key)} for pool in threadpool_info()]


if __name__ == "__main__":
    main()
