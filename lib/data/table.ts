// FER-2013 as a table: fer2013.csv, icml_face_data.csv and train.csv, from a stream of bytes. polars
// parses the CSV, table_text.ts the pixels. fer2013.ts finds and unpacks the file.
import { Buffer } from "node:buffer";
import pl from "nodejs-polars";
import {
  explainPixels,
  parseHeader,
  parsePixels,
  quote,
} from "./table_text.ts";
import { DatasetError, type Faces, type SkippedRow, SPLITS } from "./faces.ts";
import {
  complaintAbout,
  EMOTIONS,
  FACE_PIXELS,
  orderClasses,
} from "../emotions.ts";

/** What a reader returns: faces, and what it left out or assumed. */
export interface ReadFaces extends Omit<Faces, "source"> {
  readonly skipped: readonly SkippedRow[];
  readonly note?: string;
  readonly unordered?: boolean;
}

/** Bytes parsed at once: about 1,000 rows. */
const BLOCK_BYTES = 8 * 1024 * 1024;

/** More than any row has: 2,304 numbers of three digits take 9,215 characters. */
const LONGEST_ROW = 64 * 1024;

/** The least that a row has: 2,304 digits, the spaces between them, a label. */
const SHORTEST_ROW = 2 * FACE_PIXELS + 1;

/** The most bad rows that are left out and listed: three times the rows of FER-2013. */
const MOST_BAD_ROWS = 100_000;

const NEWLINE = 10;

/**
 * Reads a table of faces. The columns may be in any order and are named in the
 * header: `emotion`, `pixels` (2,304 integers separated by spaces) and `Usage`.
 * Without `Usage`, the last 20 % of the rows become PublicTest. `emotion` is an index into
 * `emotions` or, in all rows, a name.
 *
 * @param chunks the table's bytes, in pieces of any size
 * @param file for error messages
 * @param skipBadRows leave bad rows out and list them, instead of throwing
 * @param emotions what the numbers stand for; by default FER-2013's emotions
 * @throws {DatasetError} naming the first bad row, or what else is wrong
 */
export async function readCsvFaces(
  chunks: AsyncIterable<Uint8Array>,
  file: string,
  skipBadRows = false,
  emotions: readonly string[] = EMOTIONS,
): Promise<ReadFaces> {
  let table: TableReader | undefined;
  const block = Buffer.alloc(BLOCK_BYTES);
  let filled = 0;
  for await (const chunk of chunks) {
    let taken = 0;
    while (taken < chunk.length) {
      const part = chunk.subarray(taken, taken + BLOCK_BYTES - filled);
      block.set(part, filled);
      taken += part.length;
      filled += part.length;
      if (filled < BLOCK_BYTES) break;
      filled = parseBlock(filled, false);
    }
  }
  parseBlock(filled, true);
  return table!.finish();

  /** Parses the complete rows of the block; returns how many bytes are left. */
  function parseBlock(end: number, last: boolean): number {
    let start = 0;
    if (!table) {
      const newline = block.subarray(0, end).indexOf(NEWLINE);
      start = newline < 0 ? end : newline + 1;
      const header = block.toString("utf8", 0, Math.min(start, 1000));
      table = new TableReader(header, file, skipBadRows, emotions);
    }
    const lastNewline = block.subarray(0, end).lastIndexOf(NEWLINE) + 1;
    const stop = last ? end : Math.max(start, lastNewline);
    if (end - stop > LONGEST_ROW) table.rejectLongRow(end - stop);
    table.parse(block.subarray(start, stop));
    block.copyWithin(0, stop, end);
    return end - stop;
  }
}

/** One row's fields, as polars reads them. */
interface Fields {
  emotion: (string | null)[];
  pixels: (string | null)[];
  usage?: (string | null)[];
  surplus: (string | null)[];
}

class TableReader {
  readonly #columns: string[];
  readonly #schema: Record<string, pl.DataType>;
  readonly #blocks: Uint8Array[] = [];
  readonly #labels: number[] = [];
  readonly #splits: number[] = [];
  readonly #skipped: SkippedRow[] = [];
  /** The names so far, if the rows have names; undefined before the first row. */
  #names: string[] | null | undefined;
  /** Good and bad rows so far. */
  #rows = 0;
  /** Empty rows since the last nonempty row. */
  #emptyRows = 0;
  /** Faces in the current block so far. */
  #kept = 0;

  constructor(
    header: string,
    readonly file: string,
    readonly skipBadRows: boolean,
    readonly emotions: readonly string[],
  ) {
    this.#columns = parseHeader(header, file);
    // An extra last column catches a row's surplus fields.
    this.#schema = Object.fromEntries(
      [...this.#columns, "surplus"].map((name) => [name, pl.Utf8]),
    );
  }

  /** Parses complete rows; the last one may lack its newline. */
  parse(bytes: Buffer): void {
    let long = 0, whole = true;
    for (let start = 0; start < bytes.length;) {
      const end = lineEnd(bytes, start);
      if (end - start < SHORTEST_ROW) whole = false;
      else {
        long++;
        whole &&= this.#fits(bytes.subarray(start, end));
      }
      start = end + 1;
    }
    const block = new Uint8Array(long * FACE_PIXELS); // n x 48 x 48
    this.#kept = 0;
    const fields = whole && long > 0 ? this.#readFields(bytes) : null;
    if (fields && fields.emotion.length === long) {
      for (let i = 0; i < long; i++) this.#addRow(fields, i, block);
    } else {
      for (let start = 0; start < bytes.length;) {
        const end = lineEnd(bytes, start);
        this.#parseLine(bytes, start, end, block);
        start = end + 1;
      }
    }
    // Copied, so that a few rows do not keep a whole block in memory.
    const kept = block.subarray(0, this.#kept * FACE_PIXELS);
    if (this.#kept > 0) {
      this.#blocks.push(this.#kept < long ? kept.slice() : kept);
    }
  }

  /** Reads one line alone, when its block cannot be read as a whole. */
  #parseLine(
    bytes: Buffer,
    start: number,
    end: number,
    block: Uint8Array,
  ): void {
    if (isBlank(bytes, start, end)) {
      // Bad only if another row follows: a file may end in empty lines.
      this.#emptyRows++;
      return;
    }
    if (end - start < SHORTEST_ROW) {
      this.#rejectEmptyRows();
      return this.#reject(
        `only ${end - start} characters, too short for ${FACE_PIXELS} pixels`,
      );
    }
    const line = bytes.subarray(start, end);
    const fields = this.#fits(line) ? this.#readFields(line) : null;
    if (fields?.emotion.length === 1) return this.#addRow(fields, 0, block);
    this.#rejectEmptyRows();
    this.#reject(
      `cannot be read as the columns ${this.#columns.join(", ")} ` +
        "(too many columns, an open quote, or bytes that are not UTF-8)",
    );
  }

  /** Whether there is at most one surplus field: polars drops any others. */
  #fits(line: Buffer): boolean {
    let commas = 0;
    for (let at = line.indexOf(","); at >= 0; at = line.indexOf(",", at + 1)) {
      if (++commas > this.#columns.length) return false;
    }
    return true;
  }

  /** The rows' fields as strings, or `null` if polars cannot read them. */
  #readFields(bytes: Buffer): Fields | null {
    try {
      const frame = pl.readCSV(bytes, {
        hasHeader: false,
        schema: this.#schema,
        truncateRaggedLines: true,
      });
      return Object.fromEntries(
        frame.columns.map((name) => [name, frame.getColumn(name).toArray()]),
      ) as unknown as Fields;
    } catch {
      return null;
    }
  }

  #addRow(fields: Fields, index: number, block: Uint8Array): void {
    this.#rejectEmptyRows();
    const surplus = fields.surplus[index];
    const emotion = fields.emotion[index]?.trim() ?? "";
    const pixels = fields.pixels[index]?.trim() ?? "";
    const usage = fields.usage?.[index]?.trim() ?? "";
    const label = this.#labelOf(emotion);
    const split = fields.usage
      ? (SPLITS as readonly string[]).indexOf(usage)
      : 0;
    if (surplus !== null && surplus.trim() !== "") {
      return this.#reject(`more than ${this.#columns.length} columns`);
    }
    if (label < 0) {
      return this.#reject(
        `emotion ${quote(emotion)} is not ${
          this.#names ? "a name, as in the rows before" : this.#range()
        }`,
      );
    }
    if (split < 0) {
      return this.#reject(
        `Usage ${quote(usage)} is not one of ${SPLITS.join(", ")}`,
      );
    }
    if (!parsePixels(pixels, block, this.#kept * FACE_PIXELS)) {
      return this.#reject(explainPixels(pixels));
    }
    this.#kept++;
    this.#rows++;
    this.#labels.push(label);
    this.#splits.push(split);
  }

  /** The label for a name or number, or -1. The first row decides which of them the table has. */
  #labelOf(emotion: string): number {
    const named = /^\p{L}/u.test(emotion);
    if (this.#names === undefined) this.#names = named ? [] : null;
    if (this.#names === null) {
      const label = /^\d{1,3}$/.test(emotion) ? Number(emotion) : -1;
      return label < this.emotions.length ? label : -1;
    }
    if (!named) return -1;
    const known = this.#names.indexOf(emotion);
    if (known >= 0) return known;
    if (this.#names.length === 256) {
      throw new DatasetError(this.file, "has more than 256 different emotions");
    }
    return this.#names.push(emotion) - 1;
  }

  #range(): string {
    return `an integer from 0 to ${this.emotions.length - 1}`;
  }

  /** The classes in their order, and the labels that follow from it. */
  #classes(): { emotions: readonly string[]; labels: Uint8Array } {
    const names = this.#names;
    if (!names) {
      return { emotions: this.emotions, labels: Uint8Array.from(this.#labels) };
    }
    const declared = this.emotions !== EMOTIONS;
    const emotions = declared ? this.emotions : orderClasses(names);
    const unknown = names.find((name) => !emotions.includes(name));
    if (unknown) {
      throw new DatasetError(
        this.file,
        `emotion ${quote(unknown)} is not one of ${emotions.join(", ")}`,
      );
    }
    const complaint = complaintAbout(emotions);
    if (complaint) throw new DatasetError(this.file, complaint);
    const labels = Uint8Array.from(
      this.#labels,
      (label) => emotions.indexOf(names[label]),
    );
    return { emotions, labels };
  }

  #rejectEmptyRows(): void {
    const count = this.#emptyRows;
    this.#emptyRows = 0;
    for (let i = 0; i < count; i++) this.#reject("empty row");
  }

  #reject(reason: string): void {
    const row = ++this.#rows;
    if (!this.skipBadRows) throw new DatasetError(this.file, reason, row);
    if (this.#skipped.length === MOST_BAD_ROWS) {
      throw new DatasetError(
        this.file,
        `more than ${MOST_BAD_ROWS.toLocaleString("en")} bad rows; this one: ` +
          reason,
        row,
      );
    }
    this.#skipped.push({ row, reason });
  }

  /** A row that does not end; throws even if bad rows are skipped. */
  rejectLongRow(length: number): never {
    throw new DatasetError(
      this.file,
      `${length} characters without a line break: not a table of faces`,
      this.#rows + 1,
    );
  }

  finish(): ReadFaces {
    const length = this.#labels.length;
    if (length === 0) {
      const skipped = this.#skipped.length;
      throw new DatasetError(
        this.file,
        skipped > 0
          ? `no row is usable; the first of ${skipped} bad rows: ` +
            this.#skipped[0].reason
          : "has a header but no rows",
      );
    }
    const pixels = new Uint8Array(length * FACE_PIXELS); // n x 48 x 48
    let offset = 0;
    for (const block of this.#blocks) {
      pixels.set(block, offset);
      offset += block.length;
    }
    const splits = Uint8Array.from(this.#splits);
    const faces = {
      ...this.#classes(),
      pixels,
      splits,
      length,
      skipped: this.#skipped,
    };
    if (this.#columns.includes("usage")) return faces;
    splits.fill(SPLITS.indexOf("PublicTest"), Math.floor(length * 0.8));
    return {
      ...faces,
      note: "the table has no splits: its last 20 % became PublicTest " +
        "(validation), as in the reference implementation",
    };
  }
}

/** Where a line ends: at its newline, or at the end of the bytes. */
function lineEnd(bytes: Buffer, start: number): number {
  if (bytes[start] === NEWLINE) return start; // millions of empty lines in a row
  const newline = bytes.indexOf(NEWLINE, start);
  return newline < 0 ? bytes.length : newline;
}

/** Whether a line contains only white space. */
function isBlank(bytes: Buffer, start: number, end: number): boolean {
  const first = bytes[start];
  if (start === end || (first === 13 && start + 1 === end)) return true;
  if (first > 32 && first < 127) return false;
  return bytes.toString("utf8", start, end).trim() === "";
}
