// Creates elements: the few kinds of controls that the rooms are built from. Styles are in style.css.

type Content = Node | string | null | undefined | Record<string, unknown>;

/**
 * Makes an element of a tag with classes, such as `p.soft`. Nodes and texts become its children;
 * properties are set, and `data-…` and `aria-…` as attributes.
 */
export function make<Tag extends keyof HTMLElementTagNameMap>(
  kind: Tag | `${Tag}.${string}`,
  ...content: Content[]
): HTMLElementTagNameMap[Tag] {
  const [tag, ...classes] = kind.split(".");
  const element = document.createElement(tag as Tag);
  if (classes.length > 0) element.className = classes.join(" ");
  for (const part of content) {
    if (part instanceof Node || typeof part === "string") element.append(part);
    else setProperties(element, part ?? {});
  }
  return element;
}

function setProperties(element: Element, properties: Record<string, unknown>) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined) continue;
    if (name.includes("-") || name === "role" || name === "for") {
      element.setAttribute(name, String(value));
    } else Object.assign(element, { [name]: value });
  }
}

/** A button. */
export function button(
  words: string,
  onclick: () => void,
  properties: Record<string, unknown> = {},
): HTMLButtonElement {
  return make("button", { type: "button", onclick, ...properties }, words);
}

/** A drop-down list of named values, with its label above. */
export function select(
  label: string,
  options: readonly (readonly [value: string, words: string])[],
  value: string,
  onchange: (value: string) => void,
): HTMLLabelElement {
  const control = make(
    "select",
    ...options.map(([value, words]) => make("option", { value }, words)),
  );
  control.value = value;
  control.onchange = () => onchange(control.value);
  return make("label", label, control);
}

/** Chooses whose curve is drawn: a class, or -1 for the answer. */
export function curveChoice(
  names: readonly string[],
  chosen: number,
  choose: (label: number) => void,
): HTMLLabelElement {
  const classes = names.map((name, k) => [String(k), name] as const);
  return select(
    "Curve of",
    [["-1", "the answer"], ...classes],
    String(chosen),
    (value) => choose(Number(value)),
  );
}

/** What a slider is made from. */
export interface SliderOptions {
  readonly label: string;
  readonly least: number;
  readonly most: number;
  readonly step: number;
  readonly value: number;
  readonly format?: (value: number) => string;
  readonly onInput: (value: number) => void;
}

/** A slider with its label and its value as text. */
export interface Slider {
  readonly element: HTMLLabelElement;
  readonly control: HTMLInputElement;
  set(value: number): void;
}

/** Makes a slider. */
export function slider(options: SliderOptions): Slider {
  const { least, most, step, format = String } = options;
  const control = make("input", {
    type: "range",
    // The value is not part of the name.
    "aria-label": options.label,
    min: String(least),
    max: String(most),
    step: String(step),
  });
  const output = make("output");
  const show = () => {
    output.textContent = format(Number(control.value));
    control.setAttribute("aria-valuetext", output.textContent);
  };
  control.value = String(options.value);
  control.oninput = () => {
    show();
    options.onInput(Number(control.value));
  };
  show();
  const set = (value: number) => {
    control.value = String(value);
    show();
  };
  const name = make("span", options.label);
  const element = make("label.slider", name, control, output);
  return { element, control, set };
}

/** A number that can be typed or stepped, with its label above. */
export function numberField(
  label: string,
  value: number,
  most: number,
  onchange: (value: number) => void,
): { element: HTMLLabelElement; control: HTMLInputElement } {
  const control = make("input", {
    type: "number",
    min: "0",
    max: String(most),
    value: String(value),
  });
  control.onchange = () => {
    const value = Math.round(Number(control.value));
    onchange(Math.max(0, Math.min(Number(control.max), value || 0)));
  };
  return { element: make("label", label, control), control };
}

/** A table with the names of its columns; each row is its cells. */
export function table(
  heads: readonly string[],
  rows: readonly (readonly HTMLTableCellElement[])[],
  className: string,
  caption?: string,
): HTMLTableElement {
  return make(
    "table",
    { className },
    caption === undefined ? null : make("caption", caption),
    make("tr", ...heads.map((head) => make("th", { scope: "col" }, head))),
    ...rows.map((cells) => make("tr", ...cells)),
  );
}

/** How far an arrow key goes, in columns and rows; nothing for other keys. */
export function arrowStep(
  event: KeyboardEvent,
): readonly [across: number, down: number] | undefined {
  const step = ({
    ArrowUp: [0, -1],
    ArrowDown: [0, 1],
    ArrowLeft: [-1, 0],
    ArrowRight: [1, 0],
  } as const)[event.key];
  if (step) event.preventDefault();
  return step;
}

/** A percentage, such as "12.3 %". */
export function percent(part: number, digits = 1): string {
  return `${(100 * part).toFixed(digits)} %`;
}

/** Gives the browser time to draw and to answer. */
export function breathe(): Promise<void> {
  return new Promise((done) => setTimeout(done));
}

/** Offers bytes as a file. */
export function download(name: string, content: BlobPart, type: string): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  make("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
