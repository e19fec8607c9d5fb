// A list as JSON on standard output, printed while it grows, so that none of it is kept.

/** Prints what `JSON.stringify(list, null, 2)` would, item by item. */
export class JsonList {
  /** The last item; whether a comma follows is not known yet. */
  #last: string | undefined;

  add(item: object): void {
    console.log(this.#last === undefined ? "[" : `${this.#last},`);
    const text = JSON.stringify(item, null, 2);
    this.#last = `  ${text.replaceAll("\n", "\n  ")}`;
  }

  end(): void {
    console.log(this.#last === undefined ? "[]" : `${this.#last}\n]`);
  }
}
