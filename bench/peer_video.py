#!/usr/bin/python3
"""The job of lib/video/video.ts written with OpenCV and PyTorch, as a yardstick.

Decodes a video, finds and classifies the faces in every frame, smooths and
draws, encodes and keeps the sound, and writes a row for every frame and face.
Search, crop size, encoder and encoder settings are those of lib/video/video.ts.
The network has mini-Xception's shape and random weights: only speed matters.
It does less work than lib/video/video.ts in three ways: no tracking of several
faces (it takes the nearest face), no chart, no timestamps from the file.

Needs Debian's python3-opencv, python3-torch, opencv-data and ffmpeg.
Usage: peer_video.py VIDEO OUT_FOLDER
Prints one JSON line: frames, seconds of work, frames per second.
"""
import csv
import json
import os
import subprocess
import sys
import time

import cv2
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

NAMES = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
COLORS = [(0, 94, 213), (115, 158, 0), (167, 121, 204), (66, 228, 240),
          (178, 114, 0), (0, 159, 230), (233, 180, 86)]
CASCADE = ("/usr/share/opencv4/haarcascades/"
           "haarcascade_frontalface_default.xml")


def separable(i, o):
    return nn.Sequential(nn.Conv2d(i, i, 3, padding=1, groups=i, bias=False),
                         nn.Conv2d(i, o, 1, bias=False))


class Module(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.shortcut = nn.Sequential(nn.Conv2d(i, o, 1, 2, bias=False),
                                      nn.BatchNorm2d(o))
        self.main = nn.Sequential(separable(i, o), nn.BatchNorm2d(o),
                                  nn.ReLU(), separable(o, o),
                                  nn.BatchNorm2d(o))

    def forward(self, x):
        return F.max_pool2d(self.main(x), 3, 2, 1) + self.shortcut(x)


def mini_xception():
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(),
        nn.Conv2d(8, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(),
        Module(8, 16), Module(16, 32), Module(32, 64), Module(64, 128),
        nn.Conv2d(128, 7, 3, padding=1), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Softmax(1)).eval()


def draw(frame, x, y, w, h, probabilities):
    best = int(np.argmax(probabilities))
    cv2.rectangle(frame, (x, y), (x + w, y + h), COLORS[best], 2)
    label = "%s %d%%" % (NAMES[best], round(100 * probabilities[best]))
    cv2.rectangle(frame, (x, y - 20), (x + 130, y), COLORS[best], -1)
    cv2.putText(frame, label, (x + 3, y - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.5,
                (0, 0, 0), 1, cv2.LINE_AA)
    left = x + w + 6 if x + w + 130 < frame.shape[1] else max(0, x - 130)
    for i, name in enumerate(NAMES):
        top = y + 12 * i
        cv2.putText(frame, name, (left, top + 9), cv2.FONT_HERSHEY_SIMPLEX,
                    0.35, (255, 255, 255), 1, cv2.LINE_AA)
        length = int(50 * probabilities[i])
        cv2.rectangle(frame, (left + 55, top + 2),
                      (left + 55 + length, top + 9), COLORS[i], -1)


def main():
    source, out = sys.argv[1:3]
    os.makedirs(out, exist_ok=True)
    cascade = cv2.CascadeClassifier(CASCADE)
    torch.manual_seed(0)
    network = mini_xception()
    started = time.perf_counter()
    video = cv2.VideoCapture(source)
    width = int(video.get(cv2.CAP_PROP_FRAME_WIDTH))
    height = int(video.get(cv2.CAP_PROP_FRAME_HEIGHT))
    rate = video.get(cv2.CAP_PROP_FPS)
    smallest = round(0.1 * min(width, height))
    encoder = subprocess.Popen(
        ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "bgr24",
         "-s", "%dx%d" % (width, height), "-r", str(rate), "-i", "pipe:0",
         "-i", source, "-map", "0:v:0", "-map", "1:a?", "-c:a", "copy",
         "-c:v", "libx264", "-preset", "superfast", "-crf", "20",
         "-pix_fmt", "yuv420p", os.path.join(out, "peer.mp4")],
        stdin=subprocess.PIPE)
    table = open(os.path.join(out, "peer.csv"), "w", newline="")
    rows = csv.writer(table)
    rows.writerow(["frame", "seconds", "x", "y", "w", "h"] + NAMES * 2)
    keep = np.exp(-1 / rate / 0.4)
    smooth = None
    frames = faces_seen = 0
    while True:
        ok, frame = video.read()
        if not ok:
            break
        gray = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
        boxes = cascade.detectMultiScale(gray, 1.2, 5,
                                         minSize=(smallest, smallest))
        if len(boxes) == 0:
            rows.writerow([frames, frames / rate])
        else:
            crops = [cv2.resize(gray[y:y + h, x:x + w], (48, 48),
                                interpolation=cv2.INTER_AREA)
                     for x, y, w, h in boxes]
            batch = torch.from_numpy(np.stack(crops)[:, None])
            with torch.inference_mode():
                answers = network(batch.float() / 127.5 - 1).numpy()
            for (x, y, w, h), raw in zip(boxes, answers):
                smooth = raw if smooth is None else (
                    keep * smooth + (1 - keep) * raw)
                rows.writerow([frames, frames / rate, x, y, w, h,
                               *raw.tolist(), *smooth.tolist()])
                draw(frame, x, y, w, h, smooth)
                faces_seen += 1
        encoder.stdin.write(frame.data)
        frames += 1
    encoder.stdin.close()
    encoder.wait()
    table.close()
    seconds = time.perf_counter() - started
    print(json.dumps({
        "peer": "opencv %s, torch %s" % (cv2.__version__, torch.__version__),
        "frames": frames, "faces": faces_seen, "seconds": round(seconds, 2),
        "framesPerSecond": round(frames / seconds, 1)}))


main()
