// Starts the real server on a free port with a data folder of its own, and stops it again.

import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export const BINARY = process.env.MERCER_BINARY ?? new URL('../../target/release/mercer', import.meta.url).pathname

/** A data folder that goes away with `drop()`. */
export async function folder() {
  const path = await mkdtemp(join(tmpdir(), 'mercer-e2e-'))
  return { path, drop: () => rm(path, { recursive: true, force: true }) }
}

/** Starts `mercer demo` and waits for its ready line. */
export async function startDemo(data) {
  return start(['demo', '--port', '0', '--no-open', '--data', data])
}

/** Starts any serving command of the binary and waits for its ready line; `through` goes in front of the command. */
export async function start(args, environment = {}, through = []) {
  const [command, ...rest] = [...through, BINARY, ...args]
  const child = spawn(command, rest, { env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] })
  let complaints = ''
  child.stderr.on('data', (chunk) => { complaints = (complaints + chunk).slice(-20_000) })
  const exited = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })))
  const url = await new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.startsWith('ready ')) resolve(line.slice('ready '.length).trim())
    })
    exited.then(({ code, signal }) => reject(new Error(`the server ended (${code ?? signal}): ${complaints}`)))
    setTimeout(() => reject(new Error(`the server was not ready in 120 s: ${complaints}`)), 120_000).unref()
  })
  return {
    url,
    pid: child.pid,
    complaints: () => complaints,
    stop: async () => { child.kill('SIGTERM'); return exited },
    kill: async () => { child.kill('SIGKILL'); return exited },
  }
}

/** Runs the binary to its end and gives back what it printed; `through` goes in front of the command. */
export async function run(args, through = []) {
  const [command, ...rest] = [...through, BINARY, ...args]
  const child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk) => { out += chunk })
  child.stderr.on('data', (chunk) => { err += chunk })
  const code = await new Promise((resolve) => child.once('exit', resolve))
  return { code, out, err }
}

/** A call with one of the demo's keys. */
export async function call(server, method, path, { key = 'demo-admin', body, headers = {} } = {}) {
  const response = await fetch(server.url + path, {
    method,
    headers: {
      ...(key ? { authorization: `Bearer ${key}` } : {}),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text ? JSON.parse(text) : undefined }
}

/** The profile of a customer or visitor once it satisfies `check`; fails after ten seconds. */
export async function profileOnce(server, id, check) {
  let last
  for (let attempt = 0; attempt < 100; attempt += 1) {
    last = await call(server, 'GET', `/v1/customers/${encodeURIComponent(id)}`, { key: 'demo-read' })
    if (last.status === 200 && check(last.body.profile)) return last.body.profile
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`the profile of ${id} never came to be as expected: ${JSON.stringify(last?.body)}`)
}

/** Any product that can be bought. */
export async function someProducts(server, count) {
  const { body } = await call(server, 'GET', `/v1/products?limit=${count}`, { key: 'demo-decide' })
  return body.products
}
