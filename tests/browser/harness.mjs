// What every browser test stands on: the built page, a static host, the Chromium that is here.
//
//   const stage = await setUp();                        // one browser and one host for a test file
//   test("…", async (t) => {
//     const page = await stage.open(t, "#…", { width: 375 });   // started; closed after the test
//   });
//
// A test fails if its page writes an error to the console, throws, or asks for a file that is not there.
// No sleeps and no retries: wait for what is seen (`page.getByRole(…).waitFor()`), or for a state.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { after } from "node:test";
import { fileURLToPath } from "node:url";
import { serve } from "../../tools/server.mjs";

export { serve };

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const where = (part) => execFileSync("sh", [here("../../tools/setup.sh"), "where", part], { encoding: "utf8" }).trim();

/** An npm package: they live outside the checkout, where `import` does not look. */
export const load = (name) => createRequire(`${where("npm")}/`)(name);

export const DIST = process.env.FAULTLINE_DIST ?? here("../../dist");

/** The strictest policy that the page promises to start under. */
export const STRICT_CSP =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'";

/** The Chromium that is here, headless. */
export function launch() {
  return load("playwright-core").chromium.launch({
    executablePath: where("browser"),
    args: [
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      // A page that is still gliding is not where a click was meant to go.
      "--disable-smooth-scrolling",
      // There is no GPU in CI; without these flags Chromium warns about WebGL on the console.
      "--disable-gpu",
      "--use-angle=swiftshader",
      "--enable-unsafe-swiftshader",
    ],
  });
}

/** Opens `url` in a context of its own; `errors` grows with whatever goes wrong in the page or its frames. */
export async function visit(browser, url, { width = 1280, height = 800, theme = "light", reducedMotion = false, ...context } = {}) {
  const options = {
    viewport: { width, height },
    colorScheme: theme,
    reducedMotion: reducedMotion ? "reduce" : "no-preference",
    ...context,
  };
  const page = await (await browser.newContext(options)).newPage();
  page.setDefaultTimeout(20_000); // on a busy machine, and shorter than a person's patience with a failing suite
  const errors = [];
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  page.on("pageerror", (error) => errors.push(String(error)));
  // What the page itself breaks off, by going elsewhere, is no failure.
  const failed = (request) => request.failure()?.errorText !== "net::ERR_ABORTED";
  page.on("requestfailed", (request) => failed(request) && errors.push(`${request.url()}: ${request.failure()?.errorText}`));
  await page.goto(url);
  return { page, errors };
}

/** Waits until the app has mounted, in a page or in a frame of one. */
export const started = (page) => page.locator("#boot").waitFor({ state: "detached" });

/** One browser and one host of the built page for a test file; both are closed after its last test. */
export async function setUp({ root = DIST, ...hosting } = {}) {
  assert(existsSync(`${root}/index.html`), `there is no built page in ${root}: run «make build» first`);
  const host = await serve({ root, ...hosting });
  const browser = await launch();
  after(() => Promise.all([browser.close(), host.close()]));

  /** Any page, with the error watch: for the test `t`, which ends its life. */
  const goto = async (t, url, options) => {
    const { page, errors } = await visit(browser, url, options);
    t.after(async () => {
      const found = [...errors]; // not what closing breaks off
      await page.context().close();
      assert.deepEqual(found, [], "errors in the browser's console");
    });
    return page;
  };

  return {
    root,
    browser,
    host,
    goto,
    /** The built page at `#fragment` or `?query#fragment`, when the app has mounted. */
    open: async (t, fragment = "", options) => {
      const page = await goto(t, `${host.url}/${fragment}`, options);
      await started(page);
      return page;
    },
  };
}

/** A picture for people to look at, in tests/browser/out/ (which git ignores). */
export async function screenshot(page, name) {
  mkdirSync(here("out"), { recursive: true });
  const path = here(`out/${name}.png`);
  await page.screenshot({ path });
  return path;
}
