#!/usr/bin/env python3
"""Trains the five teachers and writes their answers, answers.csv.gz.

Usage: train.py fer2013.csv fer2013new.csv answers.csv.gz

Needs PyTorch and a GPU (an hour or more on a small one). Each teacher learns
from four fifths of FER-2013's Training split and answers for the fifth that it
has not seen, so that no answer repeats a memorized label.
Identical pictures are always in the same fifth. The seed makes the fifths
reproducible, but GPUs do not compute exactly the same weights twice.
"""
import csv
import gzip
import math
import sys
import zlib

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

EMOTIONS = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
COLUMNS = [4, 5, 6, 1, 3, 2, 0]  # FER+'s columns, in the order of EMOTIONS
FOLDS, EPOCHS, BATCH, WIDTH, RATE = 5, 48, 128, 64, 0.1
ROTATION, ZOOM, SHIFT, CONTRAST, BRIGHTNESS, BLUR, ERASED = (
    15, 0.12, 0.1, 0.25, 0.12, 0.12, 12)
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


class Block(nn.Module):
    """A residual block with pre-activation (He et al. 2016, arXiv:1603.05027)."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.first = nn.BatchNorm2d(inputs)
        self.widen = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.second = nn.BatchNorm2d(outputs)
        self.keep = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.shortcut = None
        if inputs != outputs or stride > 1:
            self.shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, x):
        h = F.relu(self.first(x))
        short = x if self.shortcut is None else self.shortcut(h)
        return short + self.keep(F.relu(self.second(self.widen(h))))


class Teacher(nn.Module):
    """Faces of 1 x 48 x 48 to two rows of seven logits: labels, and votes."""

    def __init__(self, w=WIDTH):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, w, 3, 1, 1, bias=False),
            Block(w, w, 1), nn.MaxPool2d(2),
            Block(w, 2 * w, 1), Block(2 * w, 2 * w, 1),
            Block(2 * w, 4 * w, 2), Block(4 * w, 4 * w, 1),
            Block(4 * w, 6 * w, 2), Block(6 * w, 6 * w, 1),
            nn.BatchNorm2d(6 * w), nn.ReLU())
        self.drop = nn.Dropout(0.4)
        self.head = nn.Linear(6 * w, 14)

    def forward(self, x):
        x = x.contiguous(memory_format=torch.channels_last)
        return self.head(self.drop(self.body(x).mean((2, 3)))).float().view(-1, 2, 7)


def read(faces, votes):
    """Training's pixels (n x 1 x 48 x 48, uint8), labels, and votes (n x 7)."""
    pixels, labels = [], []
    for row in csv.DictReader(open(faces)):
        if row["Usage"] != "Training":
            continue
        pixels.append(np.array(row["pixels"].split(), np.uint8))
        labels.append(int(row["emotion"]))
    told = [[int(n) for n in row[2:]] for row in list(csv.reader(open(votes)))[1:]
            if row[0] == "Training"]
    labels = np.eye(7, dtype=np.float32)[labels]
    told = np.array(told, np.float32)[:, COLUMNS]
    total = told.sum(1, keepdims=True)
    told = np.where(total >= 3, told / np.maximum(total, 1), labels)
    return np.stack(pixels).reshape(-1, 1, 48, 48), labels, told


def warp(x, theta):
    grid = F.affine_grid(theta, x.shape, align_corners=False)
    return F.grid_sample(x, grid, padding_mode="border", align_corners=False)


def augment(x):
    def around(most):
        return (torch.rand(len(x), device=DEVICE) * 2 - 1) * most

    def part(most):
        return torch.rand(len(x), device=DEVICE) * most
    angle = around(math.radians(ROTATION))
    cos, sin = torch.cos(angle), torch.sin(angle)
    both = 1 + around(ZOOM)
    across, down = (1 + around(ZOOM)) * both, (1 + around(ZOOM)) * both
    side = torch.sign(around(1))
    theta = torch.stack([side * cos * across, -sin * down, around(2 * SHIFT),
                         side * sin * across, cos * down, around(2 * SHIFT)], 1)
    x = warp(x, theta.view(-1, 2, 3))
    x = x * (1 + around(CONTRAST)).view(-1, 1, 1, 1)
    x = (x + 2 * around(BRIGHTNESS).view(-1, 1, 1, 1)).clamp(-1, 1)
    blur = part(BLUR).view(-1, 1, 1, 1)
    p = F.pad(x, (1, 1, 0, 0), mode="replicate")
    x = x + blur * (p[..., :-2] - 2 * x + p[..., 2:])
    p = F.pad(x, (0, 0, 1, 1), mode="replicate")
    x = x + blur * (p[..., :-2, :] - 2 * x + p[..., 2:, :])
    half, places = part(ERASED)[:, None], torch.arange(48, device=DEVICE)
    columns = (places - part(48)[:, None]).abs() < half
    rows = (places - part(48)[:, None]).abs() < half
    return x.masked_fill((rows[:, :, None] & columns[:, None, :])[:, None], 0)


def train(fold, x, labels, votes):
    torch.manual_seed(100 + fold)
    net = Teacher().to(DEVICE, memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(net.parameters(), lr=RATE, momentum=0.9,
                                nesterov=True, weight_decay=5e-4)
    smoothed = labels * 0.9 + 0.1 / 7
    steps, done = len(x) // BATCH, 0
    for epoch in range(EPOCHS):
        order = torch.randperm(len(x), device=DEVICE)
        for batch in order[:steps * BATCH].view(steps, BATCH):
            part = done / (EPOCHS * steps)
            for group in optimizer.param_groups:
                group["lr"] = (RATE * min(1, part / 0.04 + 0.02) *
                               (0.5 + 0.5 * math.cos(math.pi * part)))
            with torch.autocast(DEVICE, torch.bfloat16):
                logits = net(augment(x[batch]))
            said = logits.log_softmax(-1)
            loss = (-(said[:, 0] * smoothed[batch]).sum(1).mean() -
                    (said[:, 1] * votes[batch]).sum(1).mean())
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            done += 1
        print(f"fold {fold + 1}, epoch {epoch + 1}: loss {loss.item():.3f}", flush=True)
    return net.eval()


@torch.no_grad()
def answer(net, x):
    """Probabilities by labels, the mean of four views: mirrored, and nearer."""
    mean = torch.zeros(len(x), 7, device=DEVICE)
    for scale in (1, 0.92):
        for side in (1, -1):
            theta = torch.tensor([[[scale * side, 0, 0], [0, scale, 0]]],
                                 dtype=torch.float32, device=DEVICE)
            for start in range(0, len(x), 1024):
                views = x[start:start + 1024]
                with torch.autocast(DEVICE, torch.bfloat16):
                    logits = net(warp(views, theta.expand(len(views), 2, 3)))
                mean[start:start + 1024] += logits[:, 0].softmax(-1) / 4
    return mean.cpu().numpy()


def main(faces, votes, out):
    pixels, labels, told = read(faces, votes)
    names = ["%08x" % zlib.crc32(face.tobytes()) for face in pixels]
    unique = {name: i for i, name in enumerate(dict.fromkeys(names))}
    folds = np.random.RandomState(1).randint(0, FOLDS, len(unique))
    folds = folds[[unique[name] for name in names]]
    x = torch.from_numpy(pixels).to(DEVICE).float() / 127.5 - 1
    labels, told = (torch.from_numpy(a).to(DEVICE) for a in (labels, told))
    answers = np.zeros((len(x), 7))
    for fold in range(FOLDS):
        seen = torch.from_numpy(np.flatnonzero(folds != fold)).to(DEVICE)
        held = np.flatnonzero(folds == fold)
        net = train(fold, x[seen], labels[seen], told[seen])
        answers[held] = answer(net, x[torch.from_numpy(held).to(DEVICE)])
    right = (answers.argmax(1) == labels.argmax(1).cpu().numpy()).mean()
    print(f"labels of faces not seen: {100 * right:.1f} % right")
    rows = dict(zip(reversed(names), reversed(answers)))
    with gzip.open(out, "wt", newline="\n") as file:
        print(",".join(["face"] + EMOTIONS), file=file)
        for name in unique:
            print(name, *("%.3f" % p for p in rows[name]), sep=",", file=file)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
