#!/usr/bin/python3
"""PyTorch on the CPU as the yardstick of bench/train.ts: the same two networks.

Usage: peer_train.py mini|wide BATCH RUNS
Prints a JSON line for one and two threads, in both layouts of memory: the
number of trained parameters, and the milliseconds, medians of RUNS, of a
training step (forward, backward, Adam), of a forward pass of the batch, and of
one face (ten times as many runs).

Needs Debian's python3-torch.
"""
import json
import statistics
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

WARM_UP = 3


def convolution(i, o, size, stride=1):
    return nn.Sequential(nn.Conv2d(i, o, size, stride, bias=False),
                         nn.BatchNorm2d(o))


def separable(i, o):
    return nn.Sequential(nn.Conv2d(i, i, 3, padding=1, groups=i, bias=False),
                         nn.Conv2d(i, o, 1, bias=False), nn.BatchNorm2d(o))


class Shrinking(nn.Module):
    """Halves the sides."""

    def __init__(self, i, o):
        super().__init__()
        self.main = nn.Sequential(separable(i, o), nn.ReLU(), separable(o, o),
                                  nn.MaxPool2d(3, 2, 1))
        self.shortcut = convolution(i, o, 1, 2)

    def forward(self, x):
        return self.main(x) + self.shortcut(x)


class Keeping(nn.Module):
    """Keeps the shape."""

    def __init__(self, o):
        super().__init__()
        self.main = nn.Sequential(nn.ReLU(), separable(o, o), nn.ReLU(),
                                  separable(o, o))

    def forward(self, x):
        return x + self.main(x)


def build(name):
    stem = [convolution(1, 8, 3), nn.ReLU(), convolution(8, 8, 3), nn.ReLU()]
    mean = [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    if name == "mini":
        sizes = [8, 16, 32, 64, 128]
        blocks = [Shrinking(i, o) for i, o in zip(sizes, sizes[1:])]
        return nn.Sequential(*stem, *blocks,
                             nn.Conv2d(128, 7, 3, padding=1), *mean)
    sizes = [8, 24, 48, 96]
    blocks = [module for i, o in zip(sizes, sizes[1:])
              for module in (Shrinking(i, o), Keeping(o))]
    return nn.Sequential(*stem, *blocks, nn.ReLU(), *mean, nn.Linear(96, 7))


def median(act, runs):
    times = []
    for run in range(-WARM_UP, runs):
        start = time.perf_counter()
        act()
        if run >= 0:
            times.append((time.perf_counter() - start) * 1e3)
    return round(statistics.median(times), 3)


def measure(name, batch, runs, threads, layout):
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    network = build(name).to(memory_format=layout)
    optimizer = torch.optim.Adam(network.parameters())
    x = torch.randn(batch, 1, 48, 48).to(memory_format=layout)
    y = torch.randint(0, 7, (batch,))

    def step():
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(network(x), y).backward()
        optimizer.step()

    trained = median(step, runs)
    network.eval()
    with torch.no_grad():
        forward = median(lambda: network(x), runs)
        one = median(lambda: network(x[:1]), 10 * runs)
    return {"peer": "PyTorch " + torch.__version__, "threads": threads,
            "layout": str(layout),
            "parameters": sum(p.numel() for p in network.parameters()),
            "train_step_ms": trained, "forward_ms": forward,
            "one_face_ms": one}


NAME, BATCH, RUNS = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
for THREADS in (1, 2):
    for LAYOUT in (torch.contiguous_format, torch.channels_last):
        print(json.dumps(measure(NAME, BATCH, RUNS, THREADS, LAYOUT)),
              flush=True)
