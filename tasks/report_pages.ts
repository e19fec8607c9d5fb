// The HTML pages: executed notebooks and their index, with nothing loaded from the
// network. The style is in report_style.ts; report.ts runs the notebooks. nbconvert makes the
// contents; the rest are template strings, because this starts before npm packages are installed.

import { STYLE } from "./report_style.ts";

/** One notebook of the pages. */
export interface ReportPage {
  /** The notebook's name without its extension: "03_model". */
  name: string;
  /** Its file. */
  path: string;
  /** Its first heading. */
  title: string;
  /** The paragraph below the heading, as Markdown. */
  about: string;
  seconds: number;
}

/** A headline metric, and the notebook that gave it. */
export interface ReportMetric {
  notebook: string;
  name: string;
  value: number | string | boolean;
  unit?: string;
}

/** What the pages were made from, and how. */
export interface PagesFacts {
  /** The data and its rows in one line. */
  data: string;
  /** When, as ISO 8601. */
  made: string;
  /** The command that makes them again. */
  command: string;
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title><style>${STYLE}</style></head>
<body>${body}</body></html>
`;
}

/**
 * A notebook's page: links to its neighbors at both ends, its contents, its cells
 * with numbered figures and tables.
 *
 * @param fragment The executed notebook's HTML, from nbconvert.
 * @param before, after Its neighbors.
 */
export function notebookPage(
  { name, title, seconds }: ReportPage,
  fragment: string,
  before?: ReportPage,
  after?: ReportPage,
): string {
  const link = (to: ReportPage | undefined, words: (t: string) => string) =>
    to
      ? `<a href="${to.name}.html">${words(escapeHtml(to.title))}</a>`
      : "<span></span>";
  const around = `<nav class="around">${link(before, (t) => `← ${t}`)}` +
    `<a href="index.html">All notebooks</a>${
      link(after, (t) => `${t} →`)
    }</nav>`;
  const number = /\d+/.exec(name)?.[0].replace(/^0+/, "") ?? "";
  const body = numberCaptions(withoutNetwork(fragment), number);
  const contents = contentsOf(body);
  // The contents go below the title, which is the first heading.
  const main = /<\/h1>/.test(body)
    ? body.replace("</h1>", () => `</h1>${contents}`)
    : contents + body;
  return page(
    title,
    `${around}<main>${main}</main><p class="time">This notebook ran for ` +
      `${seconds.toFixed(1)} s.</p>${around}`,
  );
}

/** Removes scripts and style sheets that nbconvert would load from the network. */
export function withoutNetwork(html: string): string {
  return html
    .replace(/<script\b[^>]*\bsrc=[^>]*>[\s\S]*?<\/script>/g, "")
    .replace(/<link\b[^>]*\bhref="https?:[^>]*>/g, "");
}

/** Numbers figures and captioned tables: "Figure 3.1", "Table 3.1". */
function numberCaptions(html: string, notebook: string): string {
  const counts = { Figure: 0, Table: 0 };
  return html.replace(/<(figcaption|caption)\b[^>]*>/g, (tag, kind) => {
    const word = kind === "caption" ? "Table" : "Figure";
    return `${tag}<b>${word} ${notebook}.${++counts[word]}</b> `;
  });
}

/** The second-level headings as a list of links. */
function contentsOf(html: string): string {
  const headings = [...html.matchAll(/<h2 id="([^"]*)">([\s\S]*?)<\/h2>/g)];
  if (headings.length < 2) return "";
  const items = headings.map(([, id, inner]) => {
    const text = inner.replace(/<a class="anchor-link"[\s\S]*?<\/a>/, "")
      .replace(/<[^>]+>/g, "");
    return `<li><a href="#${id}">${text}</a></li>`;
  });
  return `<nav class="contents">Contents<ol>${items.join("")}</ol></nav>`;
}

/** The first page: what was run on which data, all notebooks, the headline metrics. */
export function indexPage(
  pages: ReportPage[],
  metrics: ReportMetric[],
  facts: PagesFacts,
): string {
  const list = (some: ReportPage[]) =>
    `<table><thead><tr><th>notebook</th><th>topic</th>` +
    `<th class="number">time (s)</th></tr></thead><tbody>${
      some.map(({ name, title, about, seconds }) =>
        `<tr><td><a href="${name}.html">${escapeHtml(title)}</a></td>` +
        `<td class="about">${firstSentence(about)}</td>` +
        `<td class="number">${seconds.toFixed(1)}</td></tr>`
      ).join("")
    }</tbody></table>`;
  const solutions = pages.filter(({ name }) => name.startsWith("solutions_"));
  const course = pages.filter((one) => !solutions.includes(one));
  const figures = metrics.map((metric) =>
    `<tr><td>${escapeHtml(metric.name)}</td><td class="number">` +
    `${escapeHtml(formatMetric(metric))}</td><td>` +
    `<a href="${metric.notebook}.html">${metric.notebook}</a></td></tr>`
  );
  const made = facts.made.slice(0, 16).replace("T", " ");
  return page(
    "mien: the notebooks",
    `<main><h1>mien: the notebooks</h1><p class="facts">` +
      `${escapeHtml(facts.data)}.<br>Run on ${made} UTC by ` +
      `<code>${escapeHtml(facts.command)}</code>.</p>` +
      `<h2>Notebooks</h2>${list(course)}` +
      (solutions.length > 0 ? `<h2>Solutions</h2>${list(solutions)}` : "") +
      `<h2>Figures</h2><table><thead><tr><th>figure</th>` +
      `<th class="number">value</th><th>from</th></tr></thead><tbody>` +
      `${figures.join("")}</tbody></table><h2>Explorer</h2><p>` +
      `<a href="explorer/index.html">The explorer</a>: from any web server, or ` +
      `with deno task explore; browsers do not let a page opened as a file ` +
      `read its models.</p><p>All of this as data: ` +
      `<a href="manifest.json">manifest.json</a></p></main>`,
  );
}

/** The first sentence of some Markdown, as HTML without links or emphasis. */
function firstSentence(markdown: string): string {
  const text = markdown.replace(/\s+/g, " ")
    .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/[*_`]/g, "");
  return escapeHtml(/^.*?[.:!?](?= |$)/.exec(text)?.[0] ?? text)
    .replace(/:$/, ".");
}

/** Shares and accuracies as percentages, counts with separators. */
function formatMetric({ name, value, unit }: ReportMetric): string {
  if (typeof value !== "number") return String(value);
  const share = unit === undefined && value >= 0 && value <= 1 &&
    /accuracy|share|found/.test(name);
  if (share) return `${(100 * value).toFixed(1)} %`;
  const text = Number.isInteger(value)
    ? value.toLocaleString("en")
    : String(Number(value.toPrecision(3)));
  return unit ? `${text} ${unit}` : text;
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
