"""Makes the files in this folder: the same ten examples as other programs write them.

Made with numpy 2.4.6, pandas 3.1.1, polars 2.1.0, scipy 1.17.1 and Pillow 13.0.0:

    python make.py
"""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import scipy.sparse
from PIL import Image

here = Path(__file__).parent
# 10 examples of 2 x 3 units; unit i of example n is bit i of 5 n + 3.
bits = np.array([[(5 * n + 3) >> i & 1 for i in range(6)] for n in range(10)], dtype=np.uint8)
images = bits.reshape(10, 2, 3)
names = [f"unit {i}" for i in range(6)]

np.savetxt(here / "savetxt.txt", bits, header="ten examples")
np.savetxt(here / "integers.tsv", bits, fmt="%d", delimiter="\t")
pd.DataFrame(bits).to_csv(here / "pandas.csv", index=False)
pd.DataFrame(bits.astype(bool), columns=names).to_csv(here / "pandas-bool.csv.gz", index=False)
pd.DataFrame(bits).to_csv(here / "pandas-index.csv")
pd.DataFrame(bits, columns=names).to_csv(here / "excel.csv", sep=";", index=False, encoding="utf-8-sig",
                                         lineterminator="\r\n")
pl.DataFrame(bits).write_csv(here / "polars.csv")
(here / "strings.txt").write_text("".join("".join(map(str, row)) + "\n" for row in bits))
np.save(here / "float16.npy", bits.astype(np.float16))
np.savez(here / "one.npz", images)
np.savez_compressed(here / "two.npz", images=images, labels=np.arange(10))
(here / "two.npz.gz").write_bytes(gzip.compress((here / "two.npz").read_bytes()))
scipy.sparse.save_npz(here / "sparse.npz", scipy.sparse.csr_matrix(bits))

# Each image in another kind of PNG; the tenth comes last, as people count.
folder = here / "images"
folder.mkdir(exist_ok=True)
for n, image in enumerate(images):
    grey = Image.fromarray(image * 255)
    kind = ["L", "1", "RGB", "RGBA", "P", "LA", "L", "L", "1", "L"][n]
    grey.convert(kind).save(folder / f"image{n + 1}.png")
Image.fromarray(images[0].astype(np.uint16) * 65535).save(here / "sixteen.png")
Image.fromarray(np.stack([images[0] * 255, images[1] * 255, images[2] * 255], axis=-1)).save(here / "colour.png")
