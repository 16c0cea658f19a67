// Tools of the toolbar: with a real pointer, one after another.

import { test } from "node:test";
import { setUp } from "./harness.mjs";
import { spot } from "./gestures.mjs";

const stage = await setUp();

test("another tool is taken while something is selected, and does what it says", async (t) => {
  const page = await stage.open(t, "#1~election.at~1s.end", { width: 1440, height: 900 });
  const bar = page.getByRole("toolbar", { name: "Tools" });
  const canvas = await page.locator(".stage canvas").boundingBox();
  const click = async () => {
    const { x, y } = await spot(page, "node-2");
    await page.mouse.click(canvas.x + x, canvas.y + y);
  };
  await bar.getByRole("button", { name: "Kill" }).click();
  await click();
  await page.getByRole("button", { name: "node-2, crashed" }).waitFor({ state: "attached" });
  await bar.getByRole("button", { name: "Restart" }).click();
  await bar.locator("button.current", { hasText: "Restart" }).waitFor();
  await click();
  await page.getByRole("button", { name: "node-2, crashed" }).waitFor({ state: "detached" });
});
