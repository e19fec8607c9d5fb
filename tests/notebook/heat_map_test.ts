import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { PNG } from "pngjs";
import { heatMap, heatMaps } from "mien/notebook/heat_map.ts";

/** Red, green and blue of each pixel of the chart's first picture. */
function colorsOf(svg: string): number[][] {
  const [, data] = svg.match(/base64,([^"]+)"/)!;
  const { data: bytes } = PNG.sync.read(Buffer.from(data, "base64"));
  return Array.from(
    { length: bytes.length / 4 },
    (_, i) => [...bytes.subarray(4 * i, 4 * i + 3)],
  );
}

const square = (values: number[]) => ({ values, width: 2, height: 2 });

Deno.test("values beyond the range get its last colors and never wrap around", () => {
  const [low, below, high, above] = colorsOf(
    heatMap("T", square([0, -5, 1, 7]), { range: [0, 1] }).svg,
  );
  assert.deepEqual(below, low);
  assert.deepEqual(above, high);
  assert.notDeepEqual(low, high);
});

Deno.test("with negative values 0 is white, and both sides have one scale", () => {
  const [negative, zero, positive] = colorsOf(
    heatMap("T", square([-1, 0, 2, 0])).svg,
  );
  assert.deepEqual(zero, [255, 255, 255]);
  assert.ok(negative[2] > negative[0], "below 0 is blue");
  assert.ok(positive[0] > positive[2], "above 0 is orange");
});

Deno.test("all maps of a sheet have the same color for the same value", () => {
  const { svg } = heatMaps("T", [square([0, 1, 2, 3]), square([3, 3, 3, 3])]);
  const second = svg.slice(svg.indexOf("base64,") + 7);
  assert.deepEqual(colorsOf(svg)[3], colorsOf(second)[0]);
});

Deno.test("a map with too few values is rejected", () => {
  assert.throws(() => heatMap("T", square([1, 2, 3])), /needs 4 values, not 3/);
});

Deno.test("a single value, and values that are not numbers, are drawn", () => {
  assert.equal(colorsOf(heatMap("T", square([1, 1, 1, 1])).svg).length, 4);
  assert.equal(colorsOf(heatMap("T", square([0, 1, NaN, 1])).svg).length, 4);
});
