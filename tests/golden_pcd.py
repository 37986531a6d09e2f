"""Reference for persistent contrastive divergence (PCD).

Trains a small restricted Boltzmann machine three times (cases A, B and C in
`CASES`) for ten updates and prints the final parameters and chain states as
JSON. Everything random (batch order, chain draws, dither) comes from keyed
streams of eight xoshiro256++ lanes, so another implementation of the same
streams makes the same draws and must end at the same bits.

It is written from the contract alone, without dependencies:

- Parameters are in single precision. Each +, - and * of a step is rounded.
- Chains and statistics read them rounded to 11 binary places (ties to even).
- p(h | v) enters the statistics as floor(255 p + d), where the dither d of row
  n and unit j in an update is the fractional part of s + n * STEP / 2^32 in 24
  binary places; 2^32 s is word j of the stream of that update. The examples
  and the chains each count from row 0.
- sigma is in double precision here, and within 3 units of 2^-24 elsewhere. For
  each case `draw_margin` is the smallest distance, in units of 2^-24, between
  a random number and the probability it was compared with, and `mean_margin`
  that between 255 p + d and an integer, in units of 255 * 2^-24: while both
  are above that, nothing can come out differently.

Run: python3 tests/golden_pcd.py > tests/golden_pcd.json
"""
import json
import math
import struct

V, H, EXAMPLES, BATCH, EPOCHS, UPDATES = 37, 19, 13, 5, 4, 10
SEED, RATE = 2026, 0.25
DATA_ORDER, CHAIN, DITHER = 2, 4, 23  # stream purposes
STEP = 0x9E3779B9  # 2^32 over the golden ratio
CASES = [
    {"name": "A", "chains": 6, "sweeps": 1, "momentum": 0.0, "decay": 0.0},
    {"name": "B", "chains": 6, "sweeps": 3, "momentum": 0.5, "decay": 0.01},
    {"name": "C", "chains": 5, "sweeps": 1, "momentum": 0.0, "decay": 0.0},
]
MASK = (1 << 64) - 1
GAMMA = 0x9E3779B97F4A7C15


def mix(w):
    """The output function of SplitMix64."""
    w = ((w ^ (w >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    w = ((w ^ (w >> 27)) * 0x94D049BB133111EB) & MASK
    return w ^ (w >> 31)


def rotl(x, n):
    return ((x << n) | (x >> (64 - n))) & MASK


def xoshiro(s):
    """One xoshiro256++ output; advances the four-word state `s` in place."""
    result = (rotl((s[0] + s[3]) & MASK, 23) + s[0]) & MASK
    t = (s[1] << 17) & MASK
    s[2] ^= s[0]
    s[3] ^= s[1]
    s[1] ^= s[2]
    s[0] ^= s[3]
    s[2] ^= t
    s[3] = rotl(s[3], 45)
    return result


class Stream:
    """The random words of one (seed, purpose, index)."""

    def __init__(self, seed, purpose, index):
        key = 0
        for part in (seed, purpose, index):
            key = mix(((key + GAMMA) & MASK) ^ mix(part))
        # Lane l is seeded by SplitMix64 from mix(key XOR l).
        self.lanes = [[mix((mix(key ^ lane) + k * GAMMA) & MASK) for k in (1, 2, 3, 4)]
                      for lane in range(8)]

    def step(self):
        """16 words: the low halves of the eight outputs, then the high halves."""
        out = [xoshiro(s) for s in self.lanes]
        return [x & 0xFFFFFFFF for x in out] + [x >> 32 for x in out]

    def below(self, bound):
        """Uniform in 0..bound, by rejection; one step per attempt."""
        end = (1 << 32) // bound * bound - 1
        word = self.step()[0]
        while word > end:
            word = self.step()[0]
        return word % bound

    def permutation(self, n):
        order = list(range(n))
        for last in range(n - 1, 0, -1):
            other = self.below(last + 1)
            order[last], order[other] = order[other], order[last]
        return order

    def words(self, n):
        """A word for each of n units: unit i takes word i % 16 of step i // 16."""
        return [w for _ in range((n + 15) // 16) for w in self.step()][:n]

    def layer(self, probabilities, margins):
        """Draws a layer of units."""
        words = self.words(len(probabilities))
        gaps = [(w >> 8) - p * 2.0**24 for w, p in zip(words, probabilities)]
        margins.extend(abs(g) for g in gaps)
        return [1 if g < 0 else 0 for g in gaps]


def sigma(x):
    return 1 / (1 + math.exp(-x))


def single(x):
    """x rounded to single precision. (Double precision adds and multiplies two
    such numbers so finely that rounding once more gives the right result.)"""
    return struct.unpack("f", struct.pack("f", x))[0]


def fixed(x):
    """x rounded to 11 binary places."""
    return round(x * 2048) / 2048


def p_hidden(W, c, v):
    return [sigma(fixed(c[j]) + sum(v[i] * fixed(W[i][j]) for i in range(V))) for j in range(H)]


def p_visible(W, b, h):
    return [sigma(fixed(b[i]) + sum(fixed(W[i][j]) * h[j] for j in range(H))) for i in range(V)]


def statistics(W, c, rows, shifts, margins):
    """Sums over the visible rows of v m, v and m, where m is 255 p(h|v), dithered."""
    pairs = []
    for n, v in enumerate(rows):
        dithers = [((s + n * STEP & 0xFFFFFFFF) >> 8) / 2.0**24 for s in shifts]
        exact = [255 * p + d for p, d in zip(p_hidden(W, c, v), dithers)]
        margins.extend(abs(x - round(x)) * 2.0**24 / 255 for x in exact)
        pairs.append((v, [math.floor(x) for x in exact]))
    return ([[sum(v[i] * m[j] for v, m in pairs) for j in range(H)] for i in range(V)],
            [sum(v[i] for v, _ in pairs) for i in range(V)],
            [sum(m[j] for _, m in pairs) for j in range(H)])


def difference(positive, negative, n, chains, one):
    """The mean over n examples less that over the chains, in single precision."""
    of_data, of_model = single(1 / (one * n)), single(1 / (one * chains))
    if n == chains:
        return single((positive - negative) * of_data)
    return single(single(positive * of_data) - single(negative * of_model))


def step(parameter, velocity, gradient, rate, momentum, decay):
    """The parameter and its velocity after a step."""
    move = single(rate * single(gradient - single(decay * parameter)))
    velocity = single(single(momentum * velocity) + move)
    return single(parameter + velocity), velocity


def initial():
    """Parameters that are exact in single precision: W, b, c."""
    return ([[((i * 7 + j * 13) % 41 - 20) * 32 / 1024 for j in range(H)] for i in range(V)],
            [(i % 5 - 2) / 8 for i in range(V)],
            [(j % 3 - 1) / 4 for j in range(H)])


def examples():
    return [[1 if (n * n + 3 * n * i + i * i + n * i * i) % 11 < 4 else 0 for i in range(V)]
            for n in range(EXAMPLES)]


def train(chains, sweeps, momentum, decay):
    """Ten updates; returns W, b, c, the chains' hidden units, margins of draws and means."""
    W, b, c = initial()
    data, margins, mean_margins = examples(), [], []
    momentum, decay = single(momentum), single(decay)
    orders = [Stream(SEED, DATA_ORDER, e).permutation(EXAMPLES) for e in range(EPOCHS)]
    batches = [o[k:k + BATCH] for o in orders for k in range(0, EXAMPLES, BATCH)]
    # Chains start at training examples, in the order of the first epoch.
    streams = [Stream(SEED, CHAIN, k) for k in range(chains)]
    visible = [list(data[orders[0][k % EXAMPLES]]) for k in range(chains)]
    hidden = [s.layer(p_hidden(W, c, v), margins) for s, v in zip(streams, visible)]
    vel_W, vel_b, vel_c = [[0.0] * H for _ in range(V)], [0.0] * V, [0.0] * H
    for update, batch in enumerate(batches[:UPDATES]):
        for k, stream in enumerate(streams):
            for _ in range(sweeps):
                visible[k] = stream.layer(p_visible(W, b, hidden[k]), margins)
                hidden[k] = stream.layer(p_hidden(W, c, visible[k]), margins)
        # Both phases use the parameters from before the update.
        shifts = Stream(SEED, DITHER, update).words(H)
        pos_W, pos_b, pos_c = statistics(W, c, [data[n] for n in batch], shifts, mean_margins)
        neg_W, neg_b, neg_c = statistics(W, c, visible, shifts, mean_margins)
        sizes = len(batch), chains
        rate = single(RATE * (1 - update / len(batches)))  # linear to zero
        for i in range(V):
            for j in range(H):
                gradient = difference(pos_W[i][j], neg_W[i][j], *sizes, 255)
                W[i][j], vel_W[i][j] = step(W[i][j], vel_W[i][j], gradient, rate, momentum, decay)
            gradient = difference(pos_b[i], neg_b[i], *sizes, 1)
            b[i], vel_b[i] = step(b[i], vel_b[i], gradient, rate, momentum, 0.0)
        for j in range(H):
            gradient = difference(pos_c[j], neg_c[j], *sizes, 255)
            c[j], vel_c[j] = step(c[j], vel_c[j], gradient, rate, momentum, 0.0)
    return W, b, c, hidden, margins, mean_margins


def main():
    state = [1, 2, 3, 4]
    assert [xoshiro(state) for _ in range(4)] == [
        41943041, 58720359, 3588806011781223, 3591011842654386]
    cases = []
    for case in CASES:
        settings = {k: x for k, x in case.items() if k != "name"}
        W, b, c, hidden, margins, mean_margins = train(**settings)
        cases.append({
            **case, "seed": SEED, "batch": BATCH, "rate": RATE, "updates": UPDATES,
            "planned_updates": EPOCHS * math.ceil(EXAMPLES / BATCH),
            "draws": len(margins), "draw_margin": min(margins),
            "mean_margin": min(mean_margins), "weights": W,
            "visible_bias": b, "hidden_bias": c, "chain_hidden": hidden})

    def field(x):  # matrices one row per line
        if isinstance(x, list) and isinstance(x[0], list):
            return "[\n   " + ",\n   ".join(json.dumps(row) for row in x) + "\n  ]"
        return json.dumps(x)

    print("[\n" + ",\n".join(
        " {\n" + ",\n".join(f'  "{k}": {field(x)}' for k, x in case.items()) + "\n }"
        for case in cases) + "\n]")


if __name__ == "__main__":
    main()
