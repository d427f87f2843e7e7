/** Debian's chromium, driven without a window; no browser is ever downloaded. */
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delimiter, extname, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

const PATHS = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'chromium'));
const EXECUTABLE = PATHS.find((path) => existsSync(path));

/** Why there is no browser, or null: there is one. @throws where CI ought to have brought it. */
export function whyNoBrowser(): string | null {
  if (EXECUTABLE !== undefined) return null;
  const reason = 'there is no chromium: apt-get install chromium';
  if (process.env['CI'] !== undefined) throw new Error(reason);
  return reason;
}

/** Calls `use` with a browser that sees nothing but the files of `folder`, and where these are served. */
export async function withBrowser(
  folder: string,
  use: (browser: Browser, url: string) => Promise<void>,
): Promise<void> {
  const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking'];
  const server = createServer((request, response) => {
    const path = join(folder, new URL(request.url ?? '/', 'http://localhost').pathname);
    if (!existsSync(path)) {
      response.writeHead(404).end();
      return;
    }
    const type = extname(path) === '.html' ? 'text/html' : 'text/javascript';
    response.writeHead(200, { 'content-type': type }).end(readFileSync(path));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  try {
    const browser = await chromium.launch({ executablePath: EXECUTABLE ?? 'chromium', args });
    try {
      await use(browser, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    } finally {
      await browser.close();
    }
  } finally {
    server.close();
  }
}
