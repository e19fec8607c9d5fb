// The text of a table of faces: its header and its pixels, and what is wrong with them.
import { FACE_PIXELS } from "../emotions.ts";
import { DatasetError } from "./faces.ts";

/** The columns' names in lower case, in the file's order. @throws {DatasetError} */
export function parseHeader(header: string, file: string): string[] {
  if (header.trim() === "") throw new DatasetError(file, "is empty");
  const other = explainOtherFile(header);
  if (other) throw new DatasetError(file, other);
  const names = header.replace(/^\uFEFF/, "").split(",")
    .map((name) => name.trim().replace(/^"(.*)"$/, "$1").trim().toLowerCase());
  const known = names.every((name, index) =>
    ["emotion", "pixels", "usage"].includes(name) &&
    names.indexOf(name) === index
  );
  if (known && names.includes("emotion") && names.includes("pixels")) {
    return names;
  }
  throw new DatasetError(
    file,
    known && names.includes("pixels")
      ? 'has no column "emotion": faces without labels (test.csv) cannot be used'
      : `wrong header ${quote(header.trim())}: expected the columns ` +
        "emotion, pixels and, optionally, Usage",
  );
}

/** What a file without a table's header is; `undefined` if unknown. */
function explainOtherFile(start: string): string | undefined {
  if (/^(\ufffd\ufffd|\0?[eE]\0|\0"|"\0)/.test(start)) {
    return "is a table in UTF-16: save it as CSV in UTF-8";
  }
  if (start.slice(257, 262) === "ustar") {
    return "is a tar archive: unpack it and give the table or folder in it";
  }
  if (start.includes("\0")) return "is not a table: it contains binary data";
}

/**
 * Writes 2,304 gray values to `out` from `offset` on; false if the text is
 * anything else. By hand, to make no string for each of 80 million pixels.
 */
export function parsePixels(
  text: string,
  out: Uint8Array,
  offset: number,
): boolean {
  const end = offset + FACE_PIXELS;
  let value = 0;
  let digits = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit >= 0 && digit <= 9) {
      value = value * 10 + digit;
      digits++;
    } else {
      if (digit !== -16 || digits === 0 || value > 255) return false;
      if (offset === end) return false;
      out[offset++] = value;
      value = 0;
      digits = 0;
    }
  }
  if (digits === 0 || value > 255 || offset !== end - 1) return false;
  out[offset] = value;
  return true;
}

/** Why `parsePixels` refused the text. */
export function explainPixels(text: string): string {
  const values = text === "" ? [] : text.split(" ");
  const bad = values.findIndex((value) =>
    !/^[0-9]+$/.test(value) || Number(value) > 255
  );
  return bad >= 0
    ? `pixel ${bad + 1} is ${quote(values[bad])}, ` +
      "not an integer from 0 to 255"
    : `${values.length} pixels, expected ${FACE_PIXELS} (48 x 48)`;
}

/** Short, printable and in quotes. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 40 ? text.slice(0, 40) + "…" : text);
}
