// `make serve`: builds the page, serves it, and when a file changes, builds it again and has the browser
// load it anew. A build that fails says why here, and the page that worked stays.

import { spawn } from "node:child_process";
import { watch } from "node:fs";
import { serve } from "./server.mjs";

const [root = "target/page", port = "8080"] = process.argv.slice(2);
const WATCHED = ["src", "static", "index.html", "Cargo.toml"];

const build = () =>
  new Promise((resolve) => {
    const started = performance.now();
    spawn("sh", ["tools/page.sh", root], { stdio: ["ignore", "inherit", "inherit"] }).on("close", (status) => {
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      console.log(status === 0 ? `serve: built in ${seconds} s` : "serve: the build failed; waiting for a change");
      resolve(status === 0);
    });
  });

const tabs = new Set();
const pages = {
  // Kept open by each tab; one message on it means: load the page anew.
  "/.changes": (request, response) => {
    response.writeHead(200, { "Content-Type": "text/event-stream" }).flushHeaders();
    tabs.add(response);
    response.on("close", () => tabs.delete(response));
  },
  "/.reload.js": 'new EventSource("/.changes").onmessage = () => location.reload();',
};

let building = true;
let changed = false;
async function rebuild() {
  changed = true;
  if (building) return;
  building = true;
  while (changed) {
    changed = false;
    if (await build()) for (const tab of tabs) tab.write("data: \n\n");
  }
  building = false;
}

const host = await serve({ root, port: Number(port), pages, append: '<script src="/.reload.js"></script>' }).catch((error) => {
  console.error(error.code === "EADDRINUSE" ? `serve: port ${port} is taken; try «make serve PORT=…»` : error);
  process.exit(1);
});
console.log(`serve: building; the page will be at ${host.url}/ (Ctrl-C ends it)`);
for (const path of WATCHED) watch(path, { recursive: true }, rebuild);
if (await build()) console.log(`serve: ${host.url}/`);
building = false;
if (changed) rebuild();
