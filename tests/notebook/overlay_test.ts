import assert from "node:assert/strict";
import { parseHTML } from "linkedom";
import { overlay } from "../../lib/notebook/overlay.ts";

const image = { width: 20, height: 10, data: new Uint8Array(200) };

Deno.test("marks are drawn over their picture, at its scale", () => {
  const mark = { x: 1, y: 2, width: 3, height: 4, kind: "box" } as const;
  const { svg } = overlay("T", [{ image, marks: [mark] }], { scale: 5 });
  const { document } = parseHTML(svg);
  const drawn = document.querySelector("image + rect")!;
  const sides = ["x", "y", "width", "height"].map((side) =>
    Number(drawn.getAttribute(side))
  );
  assert.deepEqual(sides, [5, 10, 15, 20]);
  assert.equal(document.querySelector("image")!.getAttribute("width"), "100");
});

Deno.test("captions are text, whatever they contain", () => {
  const { svg } = overlay("", [{ image, marks: [], caption: "<b> & co" }]);
  assert.match(svg, /&lt;b&gt; &amp; co/);
});
