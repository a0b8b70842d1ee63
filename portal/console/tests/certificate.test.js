// SPDX-License-Identifier: Apache-2.0
/* What is said of a certificate. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { standingOf } from "../certificate.js";

const DAY = 86400;
const NOW = 1_800_000_000;

test("how a certificate stands", () => {
  const of = (not_after, retired = 0) => standingOf({ not_after, retired }, NOW);
  assert.deepEqual([of(0), of(NOW + 31 * DAY), of(NOW + 29 * DAY), of(NOW + 1), of(NOW), of(NOW - DAY), of(NOW + 400 * DAY, NOW)], ["open", "open", "soon", "soon", "over", "over", "retired"]);
});
