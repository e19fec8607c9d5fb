// Every installed package has a reviewed license, and one without is found.

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findUnknown, installedPackages } from "../../tasks/licenses.ts";
import { inFolder } from "../helpers/in_folder.ts";

Deno.test("a package with an unknown license or an unreviewed script is named", () =>
  inFolder((root) => {
    const packages = [
      { name: "fine", version: "1.0.0", license: "MIT" },
      { name: "@some/odd", version: "2.0.0", license: "SSPL-1.0" },
      { name: "silent", version: "3.0.0" },
      {
        name: "busy",
        version: "4.0.0",
        license: "ISC",
        scripts: { postinstall: "node fetch.js" },
      },
    ];
    for (const about of packages) {
      const folder = join(root, "x@1", "node_modules", about.name);
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, "package.json"), JSON.stringify(about));
    }
    assert.deepEqual(findUnknown(installedPackages(root)), [
      '@some/odd@2.0.0: license "SSPL-1.0"',
      "busy@4.0.0: an install script",
      'silent@3.0.0: license ""',
    ]);
  }));
