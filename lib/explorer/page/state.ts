// What is on the screen, as the part of the address after "#", so that a link reproduces it:
// #inside?model=distilled/recalibrated&face=drawn-12&layer=3

/** The room that the address names, and its parameters. */
export class PageState {
  room = "";
  #parameters = new URLSearchParams();
  #timer = 0;
  /** The address as last read or written. */
  #seen = "";

  constructor() {
    this.read();
  }

  /** Reads the address. */
  read(): void {
    this.#seen = location.hash;
    const [room, query = ""] = location.hash.slice(1).split("?");
    this.room = decodeURIComponent(room);
    this.#parameters = new URLSearchParams(query);
  }

  text(name: string, otherwise: string): string {
    return this.#parameters.get(name) ?? otherwise;
  }

  /** A number within its range; anything else is `otherwise`. */
  number(
    name: string,
    otherwise: number,
    least = -Infinity,
    most = Infinity,
  ): number {
    const text = this.#parameters.get(name);
    const value = Number(text);
    return text && value >= least && value <= most ? value : otherwise;
  }

  /** Changes parameters; `undefined` removes one. */
  set(values: Record<string, string | number | undefined>): void {
    for (const [name, value] of Object.entries(values)) {
      if (value === undefined) this.#parameters.delete(name);
      else this.#parameters.set(name, String(value));
    }
    // Browsers reject a hundred changes within a few seconds.
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.write(), 150);
  }

  /** Writes the address now, unless it has just changed: then the user is leaving, and it will be read. */
  write(): void {
    clearTimeout(this.#timer);
    if (location.hash !== this.#seen) return;
    history.replaceState(null, "", this.address(this.room));
    this.#seen = location.hash;
  }

  /** The address of a room, with this one's model, face and threshold. */
  address(room: string): string {
    const kept = room === this.room
      ? [...this.#parameters]
      : [...this.#parameters].filter(([name]) =>
        ["model", "face", "threshold"].includes(name)
      );
    const query = new URLSearchParams(kept).toString()
      .replaceAll("%2F", "/").replaceAll("%2C", ",");
    return `#${room}${query && `?${query}`}`;
  }
}
