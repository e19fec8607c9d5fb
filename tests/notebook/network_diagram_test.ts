import assert from "node:assert/strict";
import { buildMiniXception } from "mien/model/mini_xception.ts";
import { buildWideXception } from "mien/model/wide_xception.ts";
import { layerRoles, networkDiagram } from "mien/notebook/network_diagram.ts";

Deno.test("mini-Xception's layers have roles: a stem, four modules with a shortcut each, and a head", () => {
  const model = buildMiniXception();
  const roles = [...layerRoles(model).values()];
  assert.equal(roles.length, model.layers.length);
  const of = (part: string) =>
    roles.filter((role) => role.part === part).map(({ role }) => role);
  assert.deepEqual(
    [...new Set(roles.map(({ part }) => part))].sort(),
    ["head", "module 1", "module 2", "module 3", "module 4", "stem"],
  );
  assert.equal(of("stem").filter((r) => r === "convolution 3x3").length, 2);
  for (const module of [1, 2, 3, 4]) {
    const inside = of(`module ${module}`);
    const count = (role: string) => inside.filter((r) => r === role).length;
    assert.equal(count("separable convolution 3x3"), 2);
    assert.equal(count("shortcut 1x1"), 1);
    assert.equal(count("normalization of the shortcut 1x1"), 1);
    assert.equal(count("sum of both paths"), 1);
  }
  assert.deepEqual(of("head"), [
    "convolution 3x3",
    "mean of each map",
    "softmax",
  ]);
});

Deno.test("the diagram shows every part with its output shape", () => {
  const { svg } = networkDiagram("N", buildMiniXception());
  for (
    const text of ["stem", "module 4", "head", "44 x 44 x 8", "3 x 3 x 128"]
  ) {
    assert.ok(svg.includes(`>${text}</text>`), text);
  }
});

Deno.test("another network of the project also gets a diagram", () => {
  const model = buildWideXception();
  assert.equal(layerRoles(model).size, model.layers.length);
  assert.ok(networkDiagram("W", model).height > 300);
});
