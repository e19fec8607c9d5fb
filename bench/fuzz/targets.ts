// What `deno task fuzz` damages: intact files, made here, for each reader of the project.
import * as tf from "@tensorflow/tfjs";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { loadFaces } from "mien/data/fer2013.ts";
import { compactCascade, readCompactCascade } from "mien/haar/cascade_json.ts";
import { CascadeError } from "mien/haar/cascade.ts";
import { readCascadeXml } from "mien/haar/cascade_xml.ts";
import { frontalFaceCascade } from "mien/haar/frontal_face.ts";
import { encodePng, readImage } from "mien/image/image.ts";
import { loadModel, saveModel } from "mien/model/saved_model.ts";
import { readRecordedRun } from "mien/training/run/recorded_run.ts";
import { loadState, saveState } from "mien/training/run/state_file.ts";
import { readLog } from "mien/video/ffmpeg.ts";
import { FrameLog } from "mien/video/probe.ts";
import {
  makeRows,
  toCsv,
  toGzip,
  toPictures,
  toZip,
} from "../../tests/helpers/fer2013_fixtures.ts";

/** A reader and its files. */
export interface Target {
  /** Writes the intact files to a folder and returns their names; the first one is damaged. */
  make(folder: string): Promise<string[]> | string[];
  /** Reads the file; returns a digest of the content if the format has a checksum. */
  read(file: string): Promise<string | void>;
  /** Whether reading any damaged file must fail. */
  sealed?: boolean;
}

const digest = (...parts: Uint8Array[]) =>
  parts.reduce((hash, part) => hash.update(part), createHash("sha256"))
    .digest("hex");

const write = (folder: string, name: string, content: string | Uint8Array) => {
  fs.writeFileSync(path.join(folder, name), content);
  return [name];
};

const readTable = async (file: string) => void await loadFaces(file);

function smallModel(): tf.LayersModel {
  const input = tf.input({ shape: [48, 48, 1] });
  const conv = (name: string) =>
    tf.layers.conv2d({ filters: 2, kernelSize: 8, strides: 8, name })
      .apply(input) as tf.SymbolicTensor;
  const sum = tf.layers.add({ name: "sum" }).apply([conv("a"), conv("b")]);
  const norm = tf.layers.batchNormalization({ name: "norm" }).apply(sum);
  const flat = tf.layers.flatten().apply(norm);
  const end = tf.layers.dense({ units: 7, activation: "softmax", name: "end" });
  const outputs = end.apply(flat) as tf.SymbolicTensor;
  return tf.model({ inputs: input, outputs });
}

/** The folder of a small model; one of its files is damaged. */
async function makeModel(folder: string, broken: string): Promise<string[]> {
  const model = smallModel();
  await saveModel(model, folder);
  model.dispose();
  const names = ["model.json", "weights.bin"];
  return [broken, ...names.filter((name) => name !== broken)];
}

async function readModel(file: string): Promise<void> {
  (await loadModel(path.dirname(file))).dispose();
}

const CASCADE = `<?xml version="1.0"?>
<opencv_storage><cascade type_id="opencv-cascade-classifier">
<stageType>BOOST</stageType><featureType>HAAR</featureType>
<height>24</height><width>24</width>
<stageParams><maxWeakCount>1</maxWeakCount></stageParams>
<featureParams><maxCatCount>0</maxCatCount></featureParams>
<stageNum>1</stageNum><stages><_><maxWeakCount>1</maxWeakCount>
<stageThreshold>-5.0e-01</stageThreshold><weakClassifiers><_>
<internalNodes>0 -1 0 -3.1511999666690826e-02</internalNodes>
<leafValues>2.08 -2.2</leafValues></_></weakClassifiers></_></stages>
<features><_><rects><_>6 4 12 9 -1.</_><_>6 7 12 3 3.</_></rects>
<tilted>0</tilted></_></features></cascade></opencv_storage>
`;

const LOG = (name: string) =>
  `[${name} @ 0x1] [info] config in time_base: 1/12800, frame_rate: 25/1
[${name} @ 0x1] [info] n:   0 pts:      0 pts_time:0 duration:512 fmt:yuv420p cl:left sar:1/1 s:320x240 i:P iskey:1 type:I
[${name} @ 0x1] [info] color_range:tv color_space:bt709 color_primaries:bt709 color_trc:bt709
[in#0 @ 0x2] [error] Error during demuxing: Invalid data found when processing input
`;

/** All targets by name. */
export const targets: Record<string, Target> = {
  table: {
    make: (folder) => write(folder, "fer2013.csv", toCsv(makeRows(6))),
    read: readTable,
  },
  gzip: {
    make: (folder) => write(folder, "a.csv.gz", toGzip(toCsv(makeRows(6)))),
    read: async (file) => {
      const { pixels, labels, splits } = await loadFaces(file);
      return digest(labels, splits, pixels);
    },
  },
  zip: {
    make: (folder) => write(folder, "a.zip", toZip(toPictures(makeRows(42)))),
    read: readTable,
  },
  "cascade-xml": {
    make: (folder) => write(folder, "cascade.xml", CASCADE),
    read: (file) => {
      readCascadeXml(fs.readFileSync(file, "latin1"), file);
      return Promise.resolve();
    },
  },
  "cascade-json": {
    make: (folder) => {
      const compact = compactCascade(frontalFaceCascade());
      return write(folder, "cascade.json", JSON.stringify(compact));
    },
    read: (file) => {
      let json;
      try {
        json = JSON.parse(fs.readFileSync(file, "utf8"));
      } catch {
        throw new CascadeError(file, "is not JSON");
      }
      readCompactCascade(json, file);
      return Promise.resolve();
    },
  },
  picture: {
    make: (folder) => {
      const data = makeRows(1)[0].pixels;
      return write(
        folder,
        "a.png",
        encodePng({ width: 48, height: 48, data }),
      );
    },
    read: async (file) => void await readImage(file),
  },
  model: {
    make: (folder) => makeModel(folder, "model.json"),
    read: readModel,
  },
  weights: {
    make: (folder) => makeModel(folder, "weights.bin"),
    read: readModel,
  },
  state: {
    make: (folder) => {
      const parameters = Float32Array.from({ length: 40 }, (_, i) => i / 7);
      saveState(path.join(folder, "state.bin"), {
        notes: { epoch: 3, history: [{ loss: 0.5 }], config: { seed: 1 } },
        arrays: { parameters, first: parameters.slice(3) },
      });
      return ["state.bin"];
    },
    read: (file) => {
      loadState(file);
      return Promise.resolve();
    },
    sealed: true,
  },
  log: {
    make: (folder) => {
      for (const name of ["evaluation.json", "evaluation-mirrored.json"]) {
        write(folder, name, "{}");
      }
      write(folder, "config.json", '{"network":{},"data":{},"training":{}}');
      const lines = ["epoch,loss,accuracy,val_loss,val_accuracy"];
      for (let i = 1; i < 9; i++) lines.push(`${i},1.5,0.4,1.25,0.5`);
      return write(folder, "log.csv", lines.join("\n") + "\n");
    },
    read: (file) => {
      const { epochs } = readRecordedRun(path.dirname(file));
      if (
        epochs.every((epoch) => Object.values(epoch).every(Number.isFinite))
      ) {
        return Promise.resolve();
      }
      throw new Error("a value that is not a number was read");
    },
  },
  ffmpeg: {
    make: (folder) => write(folder, "log.txt", LOG("showinfo")),
    read: async (file) => {
      const frames = new FrameLog();
      const text = fs.readFileSync(file, "latin1")
        .replaceAll("[showinfo", `[${frames.name}`);
      const stream = new Blob([text]).stream();
      await readLog(stream, (line) => {
        const facts = frames.take(line);
        if (facts?.ticks) frames.seconds(facts.ticks);
      });
      frames.firstColor();
    },
  },
};
