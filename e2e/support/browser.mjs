// Debian's Chromium, driven by playwright-core; and a static file server for pages of another origin.

import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { extname } from 'node:path'
import { chromium } from 'playwright-core'

export async function openBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync'],
  })
}

/** Serves the given paths: text as HTML, URLs of files as they are. */
export async function servePages(pages) {
  const types = { '.js': 'text/javascript', '.mjs': 'text/javascript' }
  const server = createServer(async (request, response) => {
    const path = new URL(request.url, 'http://localhost').pathname
    const page = pages[path] ?? Object.entries(pages).find(([prefix]) => prefix.endsWith('/*') && path.startsWith(prefix.slice(0, -1)))
    try {
      const found = Array.isArray(page) ? new URL(path.slice(page[0].length - 1), page[1]) : page
      if (found === undefined) throw new Error('no such page')
      const body = found instanceof URL ? await readFile(found) : found
      response.writeHead(200, { 'content-type': found instanceof URL ? types[extname(found.pathname)] ?? 'text/plain' : 'text/html' })
      response.end(body)
    } catch {
      response.writeHead(404).end()
    }
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${server.address().port}`, stop: () => new Promise((resolve) => { server.closeAllConnections(); server.close(resolve) }) }
}
