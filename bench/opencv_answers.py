#!/usr/bin/python3
"""OpenCV's answers to questions on standard input, one JSON line each.

A question is a line of JSON, followed by the bytes of an image:
  {"ask": "detect", "width", "height", "cascade", "scaleFactor",
   "minNeighbors", "minSize", "maxSize"}  8-bit gray; sizes are [w, h]
  {"ask": "time", as "detect", "threads", "runs"}  8-bit gray
  {"ask": "gray", "width", "height"}      8-bit RGBA
  {"ask": "equalize", "width", "height"}  8-bit gray
  {"ask": "read", "bytes"}                a picture file of that many bytes
Answers: a list of [x, y, w, h], the milliseconds of every run, the image's bytes
in hexadecimal, or {"width", "height", "bgr"} of the file (null if OpenCV cannot
read it).

Needs Debian's python3-opencv.
"""
import json
import sys
import time

import cv2
import numpy

cv2.setNumThreads(1)
cascades = {}
print(json.dumps({"version": cv2.__version__}), flush=True)
for line in iter(sys.stdin.buffer.readline, b""):
    question = json.loads(line)
    if question["ask"] == "read":
        data = numpy.frombuffer(sys.stdin.buffer.read(question["bytes"]),
                                numpy.uint8)
        read = cv2.imdecode(data, cv2.IMREAD_COLOR)
        print(json.dumps(read if read is None else {
            "width": read.shape[1], "height": read.shape[0],
            "bgr": read.tobytes().hex()}), flush=True)
        continue
    ask, width, height = question["ask"], question["width"], question["height"]
    channels = 4 if ask == "gray" else 1
    data = sys.stdin.buffer.read(width * height * channels)
    image = numpy.frombuffer(data, numpy.uint8)
    image = image.reshape((height, width, channels) if channels > 1 else
                          (height, width))
    if ask == "gray":
        bgr = cv2.cvtColor(image, cv2.COLOR_RGBA2BGR)
        answer = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY).tobytes().hex()
    elif ask == "equalize":
        answer = cv2.equalizeHist(image).tobytes().hex()
    else:
        path = question["cascade"]
        if path not in cascades:
            cascades[path] = cv2.CascadeClassifier(path)

        def detect():
            return cascades[path].detectMultiScale(
                image, question["scaleFactor"], question["minNeighbors"],
                minSize=tuple(question["minSize"]),
                maxSize=tuple(question["maxSize"]))

        if ask == "detect":
            answer = [[int(side) for side in box] for box in detect()]
        else:
            cv2.setNumThreads(question["threads"])
            detect()
            answer = []
            for _ in range(question["runs"]):
                start = time.perf_counter()
                detect()
                answer.append((time.perf_counter() - start) * 1e3)
    print(json.dumps(answer), flush=True)
