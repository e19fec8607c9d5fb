// The style sheet of the HTML pages: light and dark, phones and print. Their content
// is in report_pages.ts; the charts bring their own colors (lib/notebook/chart.ts).

/** CSS, without anything from the network. */
export const STYLE = `
:root { color-scheme: light dark; --text: light-dark(#1f2328, #e6edf3);
  --soft: light-dark(#59636e, #9da7b3); --page: light-dark(#fff, #0d1117);
  --box: light-dark(#f6f8fa, #161b22); --line: light-dark(#d1d9e0, #30363d);
  --link: light-dark(#0969da, #58a6ff); }
body { margin: 0 auto; max-width: 56rem; padding: 1rem 1.5rem 3rem;
  font: 16px/1.6 system-ui, sans-serif; color: var(--text);
  background: var(--page); }
a { color: var(--link); }
h1 { line-height: 1.2; margin: 1.2rem 0 .8rem; }
h2 { margin: 2.2rem 0 .6rem; padding-top: .4rem;
  border-top: 1px solid var(--line); line-height: 1.3; }
.around { display: flex; flex-wrap: wrap; gap: .3rem 1.5rem;
  justify-content: space-between; color: var(--soft); font-size: 14px; }
.around:first-child { border-bottom: 1px solid var(--line);
  padding-bottom: .6rem; }
main + .around { border-top: 1px solid var(--line); padding-top: .8rem;
  margin-top: 2.5rem; }
.contents { background: var(--box); border-radius: 6px; font-size: 14.5px;
  padding: .7rem 1rem; margin: 1rem 0; }
.contents ol { columns: 2; column-gap: 2rem; margin: .3rem 0 0;
  padding-left: 1.4rem; }
.contents li { break-inside: avoid; }
.facts, .time { color: var(--soft); font-size: 14.5px; }
pre, code { font-family: ui-monospace, Consolas, "Liberation Mono", monospace;
  font-size: 13.5px; }
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
.rendered_html .highlight, .jp-RenderedHTMLCommon .highlight { margin: .6rem 0; }
.highlight .k, .highlight .kd, .highlight .kr, .highlight .kc, .highlight .ow,
.highlight .kn { color: light-dark(#cf222e, #ff7b72); }
.highlight .s, .highlight .s1, .highlight .s2, .highlight .sb, .highlight .sr
  { color: light-dark(#0a3069, #a5d6ff); }
.highlight .mi, .highlight .mf, .highlight .mh, .highlight .m
  { color: light-dark(#0550ae, #79c0ff); }
.highlight .c, .highlight .c1, .highlight .cm { color: var(--soft); }
.output, .jp-Cell-outputWrapper { margin: .5rem 0 1.2rem; }
.output_area pre, .jp-OutputArea-output pre { padding: .2rem .8rem; }
.output_area, .jp-OutputArea-output { overflow-x: auto; }
figure { margin: .6rem 0; overflow-x: auto; }
figure img { display: block; max-width: 100%; height: auto; }
figcaption, caption { color: var(--soft); font-size: 14px; text-align: left; }
figcaption { margin-top: .3rem; }
figcaption b, caption b { color: var(--text); }
table { border-collapse: collapse; margin: .5rem 0; display: block;
  overflow-x: auto; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid var(--line); padding: 2px 10px;
  text-align: left; vertical-align: top; }
.number { text-align: right; white-space: nowrap; }
.about { color: var(--soft); }
@media (max-width: 40rem) {
  body { padding: .8rem .9rem 2rem; }
  .contents ol { columns: 1; }
  /* Text in a chart keeps three quarters of its size; wide ones scroll. */
  figure img { max-width: none; width: max(min(100%, var(--width)),
    calc(var(--width) * .75)); }
  th, td { padding: 2px 6px; }
}
@media print {
  :root { color-scheme: light; }
  @page { margin: 16mm 14mm; }
  body { max-width: none; padding: 0; font-size: 10.5pt; }
  .around, .contents { display: none; }
  pre, code { font-size: 8.5pt; }
  a { color: inherit; text-decoration: none; }
  h1, h2, h3 { break-after: avoid; }
  figure, table, .highlight { break-inside: avoid; }
  figure img { max-width: 100%; max-height: 22cm; }
}
`;
