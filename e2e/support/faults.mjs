// Broken disks, folders and clients for the fault tests: a small disk, copies of a shop's data folder, raw requests.

import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { call, folder, run, start, startDemo } from './server.mjs'

export const SCOPES = ['write', 'decide', 'read', 'admin']

/**
 * A small shop, stopped, with a catalog, orders, a model, and keys that `mercer serve` knows: { path, keys, products }.
 * Tests work on copies of it.
 */
export async function shop() {
  const data = await folder()
  const files = await folder()
  const products = Array.from({ length: 120 }, (_, index) => `p-${index}`)
  const catalog = products.map((id, index) =>
    `${id},"${['Mug', 'Bowl', 'Lantern', 'Cushion'][index % 4]} no. ${index}",${(index % 30) + 1}.50 GBP,in stock,Home > ${['Kitchen', 'Garden', 'Bed'][index % 3]}`)
  const orders = Array.from({ length: 900 }, (_, index) => Array.from({ length: 3 }, (_, line) =>
    `o-${index},c-${index % 300},p-${(index * 7 + line * 11 + (index % 3)) % 120},${line + 1},2.50,2026-0${(index % 9) + 1}-1${line}T10:00:00Z`)).flat()
  const catalogFile = join(files.path, 'catalog.csv')
  const ordersFile = join(files.path, 'orders.csv')
  writeFileSync(catalogFile, `id,title,price,availability,product_type\n${catalog.join('\n')}\n`)
  writeFileSync(ordersFile, `order_id,customer_id,product_id,quantity,price,time\n${orders.join('\n')}\n`)
  for (const command of [['import', 'catalog', catalogFile], ['import', 'orders', ordersFile], ['train']]) {
    const { code, out, err } = await run([...command, '--data', data.path])
    if (code !== 0) throw new Error(`${command.join(' ')}: ${out}${err}`)
  }
  await files.drop()
  // Only the demo has keys to make keys with; it finds a shop there and brings nothing of its own.
  const server = await startDemo(data.path)
  const keys = {}
  for (const scope of SCOPES) {
    const made = await call(server, 'POST', '/v1/keys', { body: { name: `test-${scope}`, scopes: [scope] } })
    if (!made.body?.secret) throw new Error(`no key could be made: ${JSON.stringify(made.body)}`)
    keys[scope] = made.body.secret
  }
  await server.stop()
  return { ...data, keys, products }
}

/** A copy of a stopped data folder. */
export async function copyOf(template, place) {
  const data = place ? { path: join(place, 'data'), drop: async () => {} } : await folder()
  cpSync(template.path, data.path, { recursive: true })
  return data
}

/** `mercer serve` on a data folder. */
export function serve(path, { through = [], environment = {} } = {}) {
  return start(['serve', '--listen', '127.0.0.1:0', '--data', path], environment, through)
}

/** `mercer serve` that must end by itself: { code, out, err }. It is killed after ten seconds. */
export function refusedServe(path, through = []) {
  return run(['serve', '--listen', '127.0.0.1:0', '--data', path], ['timeout', '--signal=KILL', '20', ...through])
}

/** A disk of its own of so many MiB; undefined when this user may not mount. */
export function disk(mebibytes) {
  const path = mkdtempSync(join(tmpdir(), 'mercer-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m,mode=0777`, 'tmpfs', path], { stdio: 'pipe' })
  } catch {
    rmSync(path, { recursive: true })
    return undefined
  }
  const ballast = join(path, 'ballast')
  return {
    path,
    /** Takes all that is left but so many KiB. */
    fill(leftKibibytes = 0) {
      let size = existsSync(ballast) ? statSync(ballast).size : 0
      const free = freeBytes(path) - leftKibibytes * 1024
      size = Math.max(0, size + free)
      try {
        execFileSync('fallocate', ['-l', String(size), ballast], { stdio: 'pipe' })
      } catch {
        // Somebody was faster; the rest is taken byte by byte.
      }
      if (leftKibibytes === 0) {
        try { writeFileSync(join(path, 'crumbs'), Buffer.alloc(1 << 20)) } catch { /* full, as wanted */ }
      }
    },
    free() {
      rmSync(ballast, { force: true })
      rmSync(join(path, 'crumbs'), { force: true })
    },
    drop() {
      execFileSync('umount', ['--lazy', path])
      rmSync(path, { recursive: true, force: true })
    },
  }
}

function freeBytes(path) {
  const line = execFileSync('df', ['--output=avail', '--block-size=1', path]).toString().trim().split('\n').at(-1)
  return Number(line)
}

export const mebibytesOf = (path) => Math.ceil(Number(execFileSync('du', ['-sk', path]).toString().split('\t')[0]) / 1024)

/** What is in a folder: name → hash. The lock and SQLite's shared memory change by looking. */
export function contents(path, prefix = '') {
  const found = {}
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const name = prefix + entry.name
    if (entry.isDirectory()) Object.assign(found, contents(join(path, entry.name), `${name}/`))
    else if (!/^lock$|-shm$/.test(name)) found[name] = createHash('sha256').update(readFileSync(join(path, entry.name))).digest('hex')
  }
  return found
}

/** Message id → how often it is in the log of a stopped folder. */
export async function messageIds(path) {
  const { code, out, err } = await run(['export', 'events', '--data', path])
  if (code !== 0) throw new Error(`the log cannot be exported: ${err}`)
  const seen = new Map()
  for (const line of out.split('\n').filter(Boolean)) {
    const id = JSON.parse(line).message_id
    seen.set(id, (seen.get(id) ?? 0) + 1)
  }
  return seen
}

/** Sends text or bytes over a bare connection and gives back everything that comes until it is closed or silent. */
export function raw(server, parts, { pauseMs = 0, patienceMs = 5_000 } = {}) {
  const { hostname, port } = new URL(server.url)
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname)
    let answer = ''
    let timer
    const done = () => { clearTimeout(timer); socket.destroy(); resolve(answer) }
    const wait = () => { clearTimeout(timer); timer = setTimeout(done, patienceMs) }
    socket.on('data', (chunk) => { answer += chunk.toString('latin1'); wait() })
    socket.on('error', done)
    socket.on('close', done)
    socket.on('connect', async () => {
      wait()
      for (const part of parts) {
        if (socket.destroyed) return
        socket.write(part)
        if (pauseMs) await new Promise((next) => setTimeout(next, pauseMs))
      }
    })
  })
}

/** The process's memory in MiB. */
export function memory(server) {
  const status = readFileSync(`/proc/${server.pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+)/.exec(status)[1]) / 1024
}

