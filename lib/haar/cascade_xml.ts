// Reads OpenCV's Haar cascades: the XML files that its trainer writes, and the
// older form that OpenCV still reads. LBP and HOG cascades are refused. The XML
// is parsed by saxes, which resolves no external entities; size, depth and
// number of elements are limited.
import { SaxesParser } from "saxes";
import {
  type Cascade,
  CascadeError,
  checkCascade,
  type HaarFeature,
  type HaarRectangle,
  MAX_NODES,
  type Stage,
  type WeakClassifier,
  type WeakNode,
} from "./cascade.ts";

/** The longest file read: 10 times the largest known cascade. */
const MAX_CHARACTERS = 32 * 1024 * 1024;
const MAX_DEPTH = 16;
const MAX_ELEMENTS = 10 * MAX_NODES;

/** One element of the file. */
interface Element {
  readonly name: string;
  readonly type: string;
  readonly children: Element[];
  text: string;
  readonly place: string;
}

/**
 * Reads a Haar cascade from the text of an OpenCV XML file.
 *
 * @param name what to call it in messages, such as the file's name
 * @throws {CascadeError} saying what is wrong and where
 *
 * @example
 * ```ts
 * import { readCascadeXml } from "mien/haar/cascade_xml.ts";
 *
 * try {
 *   readCascadeXml("<opencv_storage></opencv_storage>", "empty.xml");
 * } catch (error) {
 *   console.log(String(error)); // CascadeError: empty.xml, line 1, ...
 * }
 * ```
 */
export function readCascadeXml(text: string, name: string): Cascade {
  if (text.length > MAX_CHARACTERS) {
    throw new CascadeError(
      name,
      `${text.length} characters are too many for a cascade ` +
        `(at most ${MAX_CHARACTERS})`,
    );
  }
  const { root, notice } = parse(text, name);
  const reader = new Reader(name);
  if (root.name !== "opencv_storage") {
    reader.fail(
      root,
      "this is not an OpenCV cascade: <opencv_storage> is missing",
    );
  }
  const body = root.children.find((child) => child.type !== "") ??
    root.children[0] ??
    reader.fail(root, "this file contains no cascade");
  const cascade = body.type === "opencv-haar-classifier"
    ? reader.oldCascade(body, notice)
    : reader.cascade(body, notice);
  checkCascade(cascade);
  return cascade;
}

function parse(text: string, source: string) {
  const parser = new SaxesParser({ position: true });
  const place = () => `line ${parser.line}, column ${parser.column}`;
  const fail = (reason: string): never => {
    throw new CascadeError(source, reason, place());
  };
  const open: Element[] = [];
  const notices: string[] = [];
  let root: Element | undefined;
  let elements = 0;
  parser.on("error", (error) => {
    const reason = error.message.replace(/^\d+:\d+: /, "");
    fail(`this is not complete XML: ${reason}`);
  });
  parser.on("doctype", () => fail("a cascade must not have a document type"));
  parser.on("comment", (comment) => {
    if (elements <= 1) notices.push(comment.trim());
  });
  parser.on("opentag", ({ name, attributes }) => {
    if (++elements > MAX_ELEMENTS) {
      fail(`it has more than ${MAX_ELEMENTS} elements`);
    }
    if (open.length >= MAX_DEPTH) fail("the elements are nested too deeply");
    const type = String(attributes.type_id ?? "");
    const element: Element = {
      name,
      type,
      children: [],
      text: "",
      place: place(),
    };
    if (open.length > 0) open[open.length - 1].children.push(element);
    else root = element;
    open.push(element);
  });
  parser.on("text", (text) => {
    if (open.length > 0) open[open.length - 1].text += text;
  });
  parser.on("closetag", () => {
    open.pop();
  });
  parser.write(text.replace(/^\uFEFF/, "")).close();
  return { root: root ?? fail("it is empty"), notice: notices.join("\n\n") };
}

/** Turns elements into a cascade; `source` is named in errors. */
class Reader {
  constructor(readonly source: string) {}

  fail(element: Element, reason: string): never {
    throw new CascadeError(this.source, reason, element.place);
  }

  child(element: Element, name: string): Element {
    return element.children.find((child) => child.name === name) ??
      this.fail(element, `<${element.name}> has no <${name}>`);
  }

  /** The numbers in an element's text. */
  numbers(element: Element): number[] {
    return element.text.split(/\s+/).filter((word) => word !== "")
      .map((word) => {
        const value = Number(word);
        if (!/^[-+\d.eE]+$/.test(word) || !Number.isFinite(value)) {
          this.fail(element, `"${word.slice(0, 40)}" is not a number`);
        }
        return value;
      });
  }

  /** The one number in the element called `name`. */
  number(element: Element, name: string): number {
    const child = this.child(element, name);
    const values = this.numbers(child);
    if (values.length !== 1) {
      this.fail(child, `<${name}> has ${values.length} numbers, not 1`);
    }
    return values[0];
  }

  float(element: Element, name: string): number {
    return Math.fround(this.number(element, name));
  }

  /** Computed in 32 bits, like OpenCV's. */
  stageThreshold(element: Element, name: string): number {
    return Math.fround(this.float(element, name) - Math.fround(1e-5));
  }

  cascade(body: Element, notice: string): Cascade {
    const kind = body.children.find(({ name }) => name === "featureType");
    if (!kind) {
      this.fail(
        body,
        "this is not an OpenCV cascade: <featureType> is missing",
      );
    }
    if (kind.text.trim() !== "HAAR") {
      const found = kind.text.trim().slice(0, 20);
      this.fail(kind, `only HAAR cascades can be read; this is "${found}"`);
    }
    const boost = this.child(body, "stageType");
    if (boost.text.trim() !== "BOOST") {
      this.fail(boost, "the stages are of an unknown type, not BOOST");
    }
    const features = this.child(body, "features").children;
    const stages = this.child(body, "stages").children;
    return {
      name: this.source,
      notice,
      width: this.number(body, "width"),
      height: this.number(body, "height"),
      stages: stages.map((stage) => ({
        threshold: this.stageThreshold(stage, "stageThreshold"),
        weakClassifiers: this.child(stage, "weakClassifiers").children
          .map((weak) => this.weakClassifier(weak)),
      })),
      features: features.map((feature) => this.feature(feature)),
    };
  }

  feature(element: Element): HaarFeature {
    const rectangles = this.child(element, "rects").children
      .map((rectangle): HaarRectangle => {
        const values = this.numbers(rectangle);
        if (values.length !== 5) {
          this.fail(rectangle, "a rectangle needs x, y, width, height, weight");
        }
        const [x, y, width, height, weight] = values;
        return { x, y, width, height, weight: Math.fround(weight) };
      });
    const tilted = element.children.some(({ name }) => name === "tilted") &&
      this.number(element, "tilted") !== 0;
    return { rectangles, tilted };
  }

  weakClassifier(element: Element): WeakClassifier {
    const values = this.numbers(this.child(element, "internalNodes"));
    if (values.length % 4 !== 0) {
      this.fail(element, "<internalNodes> needs four numbers per node");
    }
    const nodes: WeakNode[] = [];
    for (let i = 0; i < values.length; i += 4) {
      const [left, right, feature, threshold] = values.slice(i, i + 4);
      nodes.push({ left, right, feature, threshold: Math.fround(threshold) });
    }
    const leaves = this.numbers(this.child(element, "leafValues"));
    return { nodes, leaves: leaves.map(Math.fround) };
  }

  /** The form of OpenCV 1: each node holds its feature and its leaves. */
  oldCascade(body: Element, notice: string): Cascade {
    const size = this.numbers(this.child(body, "size"));
    const features: HaarFeature[] = [];
    const stages = this.child(body, "stages").children.map((stage): Stage => ({
      threshold: this.stageThreshold(stage, "stage_threshold"),
      weakClassifiers: this.child(stage, "trees").children
        .map((tree) => this.oldTree(tree, features)),
    }));
    const [width = NaN, height = NaN] = size;
    return { name: this.source, notice, width, height, stages, features };
  }

  oldTree(tree: Element, features: HaarFeature[]): WeakClassifier {
    const leaves: number[] = [];
    const branch = (node: Element, side: string) => {
      const value = node.children.some(({ name }) => name === `${side}_val`);
      if (!value) return this.number(node, `${side}_node`);
      leaves.push(this.float(node, `${side}_val`));
      return 1 - leaves.length;
    };
    const nodes = tree.children.map((node): WeakNode => {
      features.push(this.feature(this.child(node, "feature")));
      return {
        left: branch(node, "left"),
        right: branch(node, "right"),
        feature: features.length - 1,
        threshold: this.float(node, "threshold"),
      };
    });
    return { nodes, leaves };
  }
}
