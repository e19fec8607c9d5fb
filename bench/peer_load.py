#!/usr/bin/python3
"""pandas and NumPy as the yardstick of bench/load.ts: the same table into one uint8 array.

Usage: peer_load.py FER2013_CSV
Prints one JSON line: the version, the milliseconds without imports, the number
of rows, and the sum of all pixels.

Needs Debian's python3-pandas.
"""
import json
import sys
import time

import numpy as np
import pandas as pd

started = time.perf_counter()
texts = pd.read_csv(sys.argv[1])["pixels"]
pixels = np.array([np.fromstring(t, np.uint8, sep=" ") for t in texts])
ms = 1000 * (time.perf_counter() - started)
print(json.dumps({
    "peer": f"pandas {pd.__version__}", "ms": ms, "rows": len(pixels),
    "sum": int(pixels.sum(dtype=np.int64)),
}))
