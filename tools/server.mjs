// A static host for development, tests and screenshots, as plain as the plainest that people use: it
// sends no header that it is not told to send.

import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";

const TYPES = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".json": "application/json",
  ".mjs": "text/javascript",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
};

/**
 * Serves a folder on a port of 127.0.0.1 that the system chooses, so each call is an origin of its own.
 *
 * @param {object} options
 * @param {string} [options.root] the folder
 * @param {Record<string, string | Function>} [options.pages] by path: what stands in no folder, as text or as
 *   a function of request and response
 * @param {string} [options.append] what to add to each page
 * @param {boolean} [options.cors] send `Access-Control-Allow-Origin: *`
 * @param {string} [options.csp] the `Content-Security-Policy` to send with pages
 * @param {number} [options.port]
 * @returns `url` without a slash at its end, `requests` (the paths asked for so far), `close()`
 */
export async function serve({ root, pages = {}, append = "", cors = false, csp, port = 0 } = {}) {
  const requests = [];
  const server = createServer(async (request, response) => {
    const path = decodeURIComponent(new URL(request.url, "http://localhost").pathname);
    requests.push(path);
    const page = pages[path];
    if (typeof page === "function") return page(request, response);
    if (path === "/favicon.ico") return response.writeHead(204).end();
    const file = path.endsWith("/") ? `${path}index.html` : path;
    const type = TYPES[extname(file)] ?? "application/octet-stream";
    const headers = { "Content-Type": type, "Cache-Control": "no-cache" };
    if (cors) headers["Access-Control-Allow-Origin"] = "*";
    if (csp && type === TYPES[".html"]) headers["Content-Security-Policy"] = csp;
    try {
      // `normalize` of an absolute path cannot climb above its root.
      const body = page ?? (await readFile(join(root ?? "", normalize(file))));
      response.writeHead(200, headers).end(type === TYPES[".html"] ? body + append : body);
    } catch {
      response.writeHead(404, { "Content-Type": "text/plain" }).end("not found");
    }
  });
  await new Promise((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    requests,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
