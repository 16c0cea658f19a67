import assert from "node:assert/strict";
import { test } from "node:test";
import { setUp, STRICT_CSP, serve, started } from "./harness.mjs";

const stage = await setUp({ csp: STRICT_CSP });

test("the page starts without an error, under a strict content security policy", async (t) => {
  const page = await stage.open(t);
  assert.match(await page.title(), /Faultline/);
  assert(!stage.host.requests.some((path) => path.endsWith(".wasm.js")), "the packed wasm is only for frames that need it");
});

for (const cors of [false, true]) {
  test(`a sandboxed frame starts from a host ${cors ? "with" : "without"} CORS headers`, async (t) => {
    const host = await serve({ root: stage.root, cors, csp: STRICT_CSP });
    const blog = await serve({
      pages: { "/": `<iframe src="${host.url}/" sandbox="allow-scripts" width="640" height="360" title="Faultline"></iframe>` },
    });
    t.after(() => Promise.all([host.close(), blog.close()]));
    const page = await stage.goto(t, `${blog.url}/`);
    const frame = page.frames()[1];
    await started(frame);
    assert.equal(await frame.evaluate(() => window.origin), "null");
  });
}

test("the page starts from a folder, without any host", async (t) => {
  const page = await stage.goto(t, `file://${stage.root}/index.html`);
  await started(page);
});

test("a host that lost the wasm gets a message, not an empty page", async (t) => {
  const page = await stage.browser.newPage();
  t.after(() => page.close());
  await page.route("**/*.wasm*", (route) => route.abort());
  await page.goto(`${stage.host.url}/`);
  await page.getByRole("alert").filter({ hasText: "could not start" }).waitFor();
});

test("keys work from the beginning, and after a click on nothing", async (t) => {
  const page = await stage.open(t);
  const playing = (label) => page.locator(`#play[aria-label=${label}]`).waitFor();
  await playing("Pause");
  await page.keyboard.press("Space");
  await playing("Play");
  await page.locator("aside.lesson").click({ position: { x: 4, y: 300 } });
  await page.keyboard.press("Space");
  await playing("Pause");
});
