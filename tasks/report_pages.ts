// The report's pages: executed notebooks and their list, in light and dark,
// without anything from the network. Running the notebooks is in report.ts.

/** One notebook of the report. */
export interface ReportPage {
  /** The notebook's name without its ending: "03_model". */
  name: string;
  /** Its first heading. */
  title: string;
  seconds: number;
}

/** A headline metric, and the notebook that gave it. */
export interface ReportMetric {
  notebook: string;
  name: string;
  value: number | string | boolean;
  unit?: string;
}

const STYLE = `
:root { color-scheme: light dark; --text: light-dark(#1f2328, #e6edf3);
  --soft: light-dark(#59636e, #9da7b3); --page: light-dark(#fff, #0d1117);
  --box: light-dark(#f6f8fa, #161b22); --line: light-dark(#d1d9e0, #30363d);
  --link: light-dark(#0969da, #58a6ff); }
body { margin: 0 auto; max-width: 60rem; padding: 1rem 1.5rem 4rem;
  font: 16px/1.55 system-ui, sans-serif; color: var(--text);
  background: var(--page); }
a { color: var(--link); }
nav { color: var(--soft); font-size: 14px; border-bottom: 1px solid var(--line);
  padding-bottom: .5rem; }
pre, code { font-family: ui-monospace, Consolas, monospace; font-size: 13.5px; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; line-height: 1.45;
  margin: 0; }
:not(pre) > code { background: var(--box); border-radius: 4px;
  padding: .1em .3em; }
.input_prompt, .output_prompt, .prompt, .anchor-link, .jp-InputPrompt,
.jp-OutputPrompt, .jp-Cell-inputCollapser, .jp-Cell-outputCollapser,
.jp-OutputCollapser, .jp-InputCollapser { display: none; }
.highlight { background: var(--box); border: 1px solid var(--line);
  border-radius: 6px; padding: .6rem .8rem; margin: .8rem 0 .5rem;
  overflow-x: auto; }
.highlight .k, .highlight .kd, .highlight .kr, .highlight .kc, .highlight .kt,
.highlight .ow { color: light-dark(#cf222e, #ff7b72); }
.highlight .s, .highlight .s1, .highlight .s2, .highlight .sb
  { color: light-dark(#0a3069, #a5d6ff); }
.highlight .mi, .highlight .mf, .highlight .mh, .highlight .m
  { color: light-dark(#0550ae, #79c0ff); }
.highlight .c, .highlight .c1, .highlight .cm { color: var(--soft); }
.highlight .nb, .highlight .nx { color: inherit; }
.output, .jp-Cell-outputWrapper { margin: .5rem 0 1.2rem; overflow-x: auto; }
.output_area pre, .jp-OutputArea-output pre { padding: .2rem .8rem; }
table { border-collapse: collapse; margin: .5rem 0; }
th, td { border-bottom: 1px solid var(--line); padding: 2px 10px;
  text-align: left; vertical-align: top; }
svg, img { max-width: 100%; height: auto; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
`;

function page(title: string, navigation: string, body: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title><style>${STYLE}</style></head>
<body>${navigation}<main>${body}</main></body></html>
`;
}

/**
 * A notebook's page.
 *
 * @param fragment The executed notebook's HTML, from nbconvert.
 * @param before, after Its neighbours.
 */
export function notebookPage(
  { title, seconds }: ReportPage,
  fragment: string,
  before?: ReportPage,
  after?: ReportPage,
): string {
  const link = (to: ReportPage | undefined, sign: string) =>
    to
      ? ` · ${sign} <a href="${to.name}.html">${escapeHtml(to.title)}</a>`
      : "";
  const navigation = `<nav><a href="index.html">All notebooks</a>` +
    `${link(before, "before:")}${link(after, "next:")} · ` +
    `${seconds.toFixed(1)} s</nav>`;
  return page(title, navigation, withoutNetwork(fragment));
}

/** Takes out scripts and style sheets that nbconvert would load from afar. */
export function withoutNetwork(html: string): string {
  return html
    .replace(/<script\b[^>]*\bsrc=[^>]*>[\s\S]*?<\/script>/g, "")
    .replace(/<link\b[^>]*\bhref="https?:[^>]*>/g, "");
}

/** The first page: the data, the headline metrics, and all notebooks. */
export function indexPage(
  dataLine: string,
  pages: ReportPage[],
  metrics: ReportMetric[],
): string {
  const rows = pages.map(({ name, title, seconds }) =>
    `<tr><td><a href="${name}.html">${escapeHtml(title)}</a></td>` +
    `<td class="number">${seconds.toFixed(1)}</td></tr>`
  );
  const figures = metrics.map((metric) =>
    `<tr><td>${escapeHtml(metric.name)}</td><td class="number">` +
    `${escapeHtml(formatMetric(metric))}</td><td>` +
    `<a href="${metric.notebook}.html">${metric.notebook}</a></td></tr>`
  );
  return page(
    "mien: report",
    "",
    `<h1>mien: report</h1><p>${escapeHtml(dataLine)}</p>` +
      `<h2>Notebooks</h2><table><thead><tr><th>notebook</th>` +
      `<th class="number">time (s)</th></tr></thead><tbody>${rows.join("")}` +
      `</tbody></table><h2>Figures</h2><table><thead><tr><th>figure</th>` +
      `<th class="number">value</th><th>from</th></tr></thead><tbody>` +
      `${figures.join("")}</tbody></table><h2>Explorer</h2><p>` +
      `<a href="explorer/index.html">The network, to be touched</a>: from any ` +
      `web server, or with deno task explore; browsers do not let a page that ` +
      `was opened as a file read its models.</p><p>All of it as data: ` +
      `<a href="manifest.json">manifest.json</a></p>`,
  );
}

function formatMetric({ value, unit }: ReportMetric): string {
  const text = typeof value !== "number"
    ? String(value)
    : Number.isInteger(value)
    ? value.toLocaleString("en")
    : String(Number(value.toPrecision(4)));
  return unit ? `${text} ${unit}` : text;
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
