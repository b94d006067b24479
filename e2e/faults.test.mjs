// The whole server under faults of its disk: full, cut off, damaged, without rights, taken by another process, written
// by a newer Mercer. Each fault has a clear error; nothing acknowledged is lost; what must not change does not.
// Hostile clients are in faults-http.test.mjs.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, closeSync, copyFileSync, cpSync, existsSync, mkdirSync, openSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { BINARY, call as callWith, folder, run } from './support/server.mjs'
import { contents, copyOf, disk, mebibytesOf, messageIds, refusedServe, serve, shop } from './support/faults.mjs'
import { until } from './support/until.mjs'

let template
before(async () => { template = await shop() })
after(() => template?.drop())

/** A call with the key of a scope. */
const call = (server, scope, method, path, more = {}) => callWith(server, method, path, { key: template.keys[scope], ...more })

const decide = (server, more = {}) => call(server, 'decide', 'POST', '/v1/decide', {
  body: { anonymous_id: 'visitor-1', group: 'home', page: { type: 'home' }, ...more },
})

let sent = 0
const event = (more = {}) => ({
  type: 'track', event: 'Product Viewed', messageId: `fault-${process.pid}-${sent += 1}`, anonymousId: `visitor-${sent % 50}`,
  properties: { product_id: template.products[sent % template.products.length], ...more },
})
const send = (server, batch) => call(server, 'write', 'POST', '/v1/batch', { body: { batch } })

/** Sends a batch that must be taken, and remembers it. */
async function acknowledged(server, known, count = 20, more = {}) {
  const batch = Array.from({ length: count }, () => event(more))
  const answer = await send(server, batch)
  assert.equal(answer.status, 200, JSON.stringify(answer.body))
  assert.equal(answer.body.accepted, count)
  batch.forEach(({ messageId }) => known.add(messageId))
}

async function assertKept(path, known) {
  const seen = await messageIds(path)
  const lost = [...known].filter((id) => !seen.has(id))
  const twice = [...seen].filter(([, times]) => times > 1).map(([id]) => id)
  assert.deepEqual({ lost, twice }, { lost: [], twice: [] })
}

/** An answer of a server whose disk is full. */
function assertFull({ status, headers, body }, file) {
  assert.equal(status, 503, JSON.stringify(body))
  assert.equal(headers.get('content-type'), 'application/problem+json')
  assert.equal(body.code, 'not_ready')
  assert.match(body.detail, /no room is left on the disk/)
  assert.ok(body.detail.includes(file), body.detail)
  assert.ok(Number(headers.get('retry-after')) >= 1)
}

/** Messages that a person can act on: no panic, no bare error of the system. */
function assertClear(text, ...wanted) {
  assert.doesNotMatch(text, /panicked|RUST_BACKTRACE/, text)
  for (const one of wanted) {
    if (one instanceof RegExp) assert.match(text, one)
    else assert.ok(text.includes(one), `${one} is not in: ${text}`)
  }
}

/** A server on a disk with little room left; nothing, and a loud skip, where none can be mounted. */
async function onSmallDisk(t) {
  const small = disk(mebibytesOf(template.path) + 12)
  if (!small) return void t.skip('NOT TESTED: this user may not mount a small disk; run the tests as root')
  t.after(() => small.drop())
  const data = await copyOf(template, small.path)
  const server = await serve(data.path)
  t.after(() => server.kill())
  return { small, data, server }
}

test('a full disk: refused with its cause, everything else goes on, and it heals without a restart', async (t) => {
  const stage = await onSmallDisk(t)
  if (!stage) return
  const { small, data, server } = stage
  const known = new Set()

  let refused
  for (let round = 0; !refused; round += 1) {
    assert.ok(round < 400, 'the disk never became full')
    if (round === 20) small.fill(512)
    const batch = Array.from({ length: 20 }, () => event({ note: 'x'.repeat(4_000) }))
    const answer = await send(server, batch)
    if (answer.status === 200) batch.forEach(({ messageId }) => known.add(messageId))
    else refused = { batch, answer }
  }
  assertFull(refused.answer, 'log.db')
  assert.ok(known.size >= 400, `only ${known.size} events before the disk was full`)
  small.fill()

  const bad = { type: 'track', event: 'Product Added', anonymousId: 'visitor-1', properties: { product_id: 'x', quantity: 'many'.repeat(2_000) } }
  assertFull(await send(server, [bad]), 'tables.db')
  assertFull(await send(server, [event({ note: 'x'.repeat(4_000) }), bad]), '.db')
  assertFull(await call(server, 'admin', 'POST', '/v1/products', {
    // More than the refused batch, whose place in the log's file is there for whoever comes next.
    body: Array.from({ length: 10 }, (_, index) => ({ id: `new-${index}`, title: 'y'.repeat(100_000) })),
  }), 'log.db')
  assertFull(await call(server, 'admin', 'POST', '/v1/models/train'), 'lake')
  assertFull(await call(server, 'admin', 'POST', '/v1/keys', { body: { name: 'k'.repeat(200), scopes: ['read'], origins: Array(40).fill(`https://${'o'.repeat(150)}.example`) } }), 'tables.db')

  const decided = async () => {
    for (let page = 0; page < 20; page += 1) {
      const answer = await decide(server)
      assert.equal(answer.status, 200)
      assert.ok(answer.body.placements.some(({ items }) => items.length > 0))
    }
    return (await fetch(`${server.url}/metrics`)).text()
  }
  // Some may still find room in the log's file. Nobody waits for a decision to be written, nor for it to fail.
  const metrics = await until('decisions that could not be written are counted', decided, (told) => /mercer_decisions_unlogged_total [1-9]/.test(told))
  assert.match(metrics, /mercer_events_accepted_total \d+/)
  for (const path of ['/healthz', '/readyz']) assert.equal((await call(server, 'read', 'GET', path)).status, 200)
  assert.equal((await call(server, 'admin', 'GET', '/v1/bad-rows')).body.bad_rows.length, 0)
  assert.equal((await call(server, 'read', 'GET', '/v1/customers/visitor-1')).status, 200)

  const full = await run(['export', 'backup', '--out', join(small.path, 'backup'), '--data', template.path])
  assert.notEqual(full.code, 0)
  assertClear(full.err, 'no room is left on the disk', small.path)
  const lake = await run(['export', 'lake', '--out', join(small.path, 'lake'), '--data', template.path])
  assert.notEqual(lake.code, 0)
  assertClear(lake.err, /no room is left|No space left/, small.path)
  assert.deepEqual(readdirSync(small.path).filter((name) => name.includes('backup')), [], 'a half backup is left')

  small.free()
  const again = await send(server, refused.batch)
  assert.equal(again.status, 200, JSON.stringify(again.body))
  assert.deepEqual([again.body.accepted, again.body.duplicates], [20, 0], 'the refused batch was kept in part')
  refused.batch.forEach(({ messageId }) => known.add(messageId))
  const late = await send(server, [bad])
  assert.deepEqual([late.status, late.body.rejected], [200, 1])
  assert.equal((await call(server, 'admin', 'GET', '/v1/bad-rows')).body.bad_rows.length, 1)
  await acknowledged(server, known)
  const trained = await call(server, 'admin', 'POST', '/v1/models/train')
  assert.equal(trained.status, 200, JSON.stringify(trained.body))
  assert.deepEqual((await server.stop()).code, 0)
  await assertKept(data.path, known)
  const doctor = await run(['doctor', '--rebuild', '--data', data.path])
  assert.equal(doctor.code, 0, doctor.out + doctor.err)
})

test('a disk that is full while checkpoint and start write: said, and made good later', async (t) => {
  const stage = await onSmallDisk(t)
  if (!stage) return
  const { small, data, server } = stage
  const known = new Set()
  for (let round = 0; round < 20; round += 1) await acknowledged(server, known, 50)
  small.fill()
  const { code } = await server.stop()
  assert.equal(code, 0, server.complaints())
  assertClear(server.complaints(), 'no room is left on the disk', 'tables.db')

  small.fill()
  const refused = await refusedServe(data.path)
  assert.equal(refused.code, 3, refused.out + refused.err)
  assertClear(refused.err, 'no room is left on the disk', '.db')
  small.free()
  const next = await serve(data.path)
  t.after(() => next.kill())
  await acknowledged(next, known)

  // Room for what the lake has to add, but not for a model: nothing of it stays, and the champion serves on.
  const first = await call(next, 'admin', 'POST', '/v1/models/train')
  assert.equal(first.status, 200, JSON.stringify(first.body))
  small.fill(32)
  assertFull(await call(next, 'admin', 'POST', '/v1/models/train'), '/models/')
  assert.deepEqual(readdirSync(join(data.path, 'models')).filter((name) => name.startsWith('.')), [], 'a half model is left')
  assert.equal((await call(next, 'read', 'GET', '/readyz')).body.model, first.body.version)
  small.free()
  const second = await call(next, 'admin', 'POST', '/v1/models/train')
  assert.equal(second.status, 200, JSON.stringify(second.body))
  assert.equal((await next.stop()).code, 0)
  await assertKept(data.path, known)
  const doctor = await run(['doctor', '--rebuild', '--data', data.path])
  assert.equal(doctor.code, 0, doctor.out + doctor.err)
})

/** Changes bytes of a file in place: `at` from its start, or from its end when below zero. */
function scribble(path, at, bytes) {
  const size = readFileSync(path).length
  const file = openSync(path, 'r+')
  writeSync(file, bytes, 0, bytes.length, at < 0 ? size + at : at)
  closeSync(file)
}

test('kill -9, then the tail of the write-ahead log is cut or damaged: the whole part is served', async (t) => {
  const data = await copyOf(template)
  t.after(() => data.drop())
  const server = await serve(data.path)
  t.after(() => server.kill())
  const order = []
  for (let round = 0; round < 40; round += 1) {
    const known = new Set()
    await acknowledged(server, known, 10)
    order.push(...known)
  }
  await server.kill()
  // Only these files differ from one cut to the next.
  const crashed = readdirSync(data.path).filter((name) => /^(log|tables)\.db/.test(name))
  const saved = await folder()
  t.after(() => saved.drop())
  crashed.forEach((name) => copyFileSync(join(data.path, name), join(saved.path, name)))
  const wal = join(data.path, 'log.db-wal')
  const whole = readFileSync(wal).length
  assert.ok(whole > 40 * 4096, 'the events are in the write-ahead log')

  const faults = {
    nothing: () => {},
    'cut by a byte': () => truncateSync(wal, whole - 1),
    'cut by half a page': () => truncateSync(wal, whole - 2_048),
    'cut in the middle': () => truncateSync(wal, Math.floor(whole / 2)),
    'cut to its head': () => truncateSync(wal, 20),
    'last page zeroed': () => scribble(wal, -4_096, Buffer.alloc(4_096)),
    'garbage at the end': () => writeFileSync(wal, Buffer.alloc(10_000, 0xa5), { flag: 'a' }),
    'bytes flipped in the middle': () => scribble(wal, Math.floor(whole / 2), Buffer.alloc(64, 0x5a)),
    'shared memory is garbage': () => writeFileSync(join(data.path, 'log.db-shm'), Buffer.alloc(32_768, 0x77)),
  }
  for (const [fault, damage] of Object.entries(faults)) {
    for (const name of readdirSync(data.path)) if (/^(log|tables)\.db/.test(name)) rmSync(join(data.path, name))
    crashed.forEach((name) => copyFileSync(join(saved.path, name), join(data.path, name)))
    damage()
    const doctor = await run(['doctor', '--data', data.path])
    assertClear(doctor.out + doctor.err)
    assert.equal(doctor.code, 0, `${fault}: ${doctor.out}${doctor.err}`)
    const seen = await messageIds(data.path)
    const there = order.filter((id) => seen.has(id)).length
    assert.deepEqual(order.slice(0, there).filter((id) => !seen.has(id)), [], `${fault}: a hole`)
    assert.equal(there % 10, 0, `${fault}: a batch is there in part`)
    const expected = { 'cut in the middle': [100, 290], 'bytes flipped in the middle': [100, 290], 'cut to its head': [0, 0] }[fault]
    if (expected) assert.ok(there >= expected[0] && there <= expected[1], `${fault}: ${there} events`)
    else assert.ok(there >= 390, `${fault}: ${there} of 400 events`)
    if (fault === 'nothing' || fault === 'garbage at the end') assert.equal(there, 400)
  }
  // It goes on from there.
  const next = await serve(data.path)
  t.after(() => next.kill())
  const known = new Set()
  await acknowledged(next, known)
  await next.stop()
  await assertKept(data.path, known)
})

test('a damaged log or table file is named, with what to do, and never served in part', async (t) => {
  const data = await copyOf(template)
  t.after(() => data.drop())
  const faults = {
    'log.db cut by its last page': ['log.db', (path, size) => truncateSync(path, size - 4_096)],
    'log.db cut in the middle of a page': ['log.db', (path, size) => truncateSync(path, Math.floor(size / 2) - 100)],
    'log.db empty': ['log.db', (path) => truncateSync(path, 0)],
    'log.db a byte': ['log.db', (path) => truncateSync(path, 1)],
    'log.db gone': ['log.db', (path) => rmSync(path)],
    'log.db something else': ['log.db', (path) => writeFileSync(path, 'Dear diary, '.repeat(10_000))],
    'log.db its head garbage': ['log.db', (path) => scribble(path, 0, Buffer.alloc(100, 0x55))],
    'tables.db cut': ['tables.db', (path, size) => truncateSync(path, Math.floor(size / 2))],
    'tables.db gone': ['tables.db', (path) => rmSync(path)],
    'mercer.json cut': ['mercer.json', (path) => truncateSync(path, 10)],
    'mercer.json empty': ['mercer.json', (path) => truncateSync(path, 0)],
    'mercer.json gone': ['mercer.json', (path) => rmSync(path)],
  }
  for (const [fault, [name, damage]] of Object.entries(faults)) {
    const path = join(data.path, name)
    copyFileSync(join(template.path, name), path)
    damage(path, readFileSync(path).length)
    const before = contents(data.path)
    for (const { code, out, err } of [await run(['doctor', '--data', data.path]), await refusedServe(data.path)]) {
      assert.equal(code, 3, `${fault}: ${out}${err}`)
      assertClear(out + err, name, /backup|Name another|name another|put the right file back/i)
    }
    assert.deepEqual(contents(data.path), before, `${fault}: something was changed`)
    copyFileSync(join(template.path, name), path)
  }

  // In the middle, where a start does not look: the doctor does.
  const log = join(data.path, 'log.db')
  const text = readFileSync(log)
  const places = { body: text.indexOf('"message_id"', Math.floor(text.length / 2)), page: Math.floor(text.length / 2 / 4_096) * 4_096 }
  for (const [fault, bytes] of [['body', Buffer.from('#message#id#')], ['page', Buffer.alloc(4_096)]]) {
    copyFileSync(join(template.path, 'log.db'), log)
    scribble(log, places[fault], bytes)
    for (const more of [[], ['--rebuild']]) {
      const { code, out, err } = await run(['doctor', ...more, '--data', data.path])
      assert.ok(code === 1 || code === 3, `${fault} ${more}: exit code ${code}: ${out}${err}`)
      assertClear(out + err, 'log.db', /damaged|missing/, 'backup')
    }
  }
  copyFileSync(join(template.path, 'log.db'), log)
  const well = await run(['doctor', '--rebuild', '--data', data.path])
  assert.equal(well.code, 0, well.out + well.err)
})

test('a broken checkpoint is dropped, said, and folded anew; the rest of the tables stays', async (t) => {
  const data = await copyOf(template)
  t.after(() => data.drop())
  const tables = join(data.path, 'tables.db')
  const text = readFileSync(tables)
  const place = text.indexOf('fold.profiles', Math.floor(text.length / 3))
  assert.ok(place > 0)
  // Behind the name and the key of an entry lies its value.
  scribble(tables, place + 60, Buffer.alloc(8, 0x23))
  const server = await serve(data.path)
  t.after(() => server.kill())
  assertClear(server.complaints(), /checkpoint/, /from its beginning/)
  const { body } = await call(server, 'read', 'GET', '/readyz')
  assert.ok(body.position > 1_000 && body.products === 120, JSON.stringify(body))
  const known = new Set()
  await acknowledged(server, known)
  assert.equal((await server.stop()).code, 0)
  await assertKept(data.path, known)
  const doctor = await run(['doctor', '--rebuild', '--data', data.path])
  assert.equal(doctor.code, 0, doctor.out + doctor.err)
})

test('wrong rights: every file and folder is named with what to do', async (t) => {
  const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--']
  const home = await folder()
  t.after(() => home.drop())
  chmodSync(home.path, 0o755)
  // Where the binary lies a stranger may not look.
  const binary = join(home.path, 'mercer')
  copyFileSync(BINARY, binary)
  chmodSync(binary, 0o755)
  const as = [...nobody, 'sh', '-c', `shift; exec timeout --signal=KILL 20 ${binary} "$@"`, 'sh']
  const probe = await run(['--version'], as)
  if (probe.code !== 0) return t.skip(`NOT TESTED: the tests may not run as another user here; run them as root (${probe.err.trim()})`)

  const path = join(home.path, 'data')
  cpSync(template.path, path, { recursive: true })
  execFileSync('chown', ['-R', '65534:65534', path])
  const refusals = {
    'the folder is closed': ['', 0o000, path],
    'the folder is read-only': ['', 0o500, path],
    'the log is read-only': ['log.db', 0o400, 'log.db'],
    'the log is closed': ['log.db', 0o000, 'log.db'],
    'the tables are read-only': ['tables.db', 0o400, 'tables.db'],
    'the tables are closed': ['tables.db', 0o000, 'tables.db'],
    'the marker is closed': ['mercer.json', 0o000, 'mercer.json'],
    'the lock is closed': ['lock', 0o000, 'lock'],
    'the models are closed': ['models', 0o000, 'models'],
    'the lake is closed': ['lake', 0o000, 'lake'],
  }
  for (const [fault, [name, mode, named]] of Object.entries(refusals)) {
    const place = join(path, name)
    const kept = name.includes('.') || name === 'lock' ? 0o600 : 0o700
    chmodSync(place, mode)
    for (const command of [['doctor'], ['serve', '--listen', '127.0.0.1:0']]) {
      const { code, out, err } = await run([...command, '--data', path], as)
      assert.equal(code, 3, `${fault}: ${command[0]}: exit code ${code}: ${out}${err}`)
      assertClear(out + err, named, 'the right to read and write')
    }
    chmodSync(place, kept)
  }
  const closed = join(home.path, 'closed')
  mkdirSync(closed, { mode: 0o755 })
  const parent = await run(['serve', '--listen', '127.0.0.1:0', '--data', join(closed, 'deep/data')], as)
  assert.equal(parent.code, 3, parent.err)
  assertClear(parent.err, 'deep/data', 'the right to read and write')
  assert.deepEqual(readdirSync(closed), [])

  const well = await run(['doctor', '--rebuild', '--data', path], as)
  assert.equal(well.code, 0, well.out + well.err)
  const unwritable = await run(['export', 'events', '--out', join(closed, 'events.jsonl'), '--data', path], as)
  assert.notEqual(unwritable.code, 0)
  assertClear(unwritable.err, 'events.jsonl')
})

test('a data folder that is a file, foreign, or mistyped is refused and left alone', async (t) => {
  const home = await folder()
  t.after(() => home.drop())
  const file = join(home.path, 'file')
  writeFileSync(file, 'text')
  for (const path of [file, join(file, 'below')]) {
    const { code, err } = await refusedServe(path)
    assert.equal(code, 3, err)
    assertClear(err, path, /[Nn]ame (a|another) folder/)
  }
  assert.equal(readFileSync(file, 'utf8'), 'text')

  const foreign = join(home.path, 'foreign')
  mkdirSync(foreign)
  writeFileSync(join(foreign, 'thesis.tex'), '')
  const { code, err } = await refusedServe(foreign)
  assert.equal(code, 3, err)
  assertClear(err, 'thesis.tex')
  assert.deepEqual(readdirSync(foreign), ['thesis.tex'])

  // Commands that look at what is there make nothing.
  const typo = join(home.path, 'mercer-dta')
  for (const command of [['doctor'], ['export', 'events'], ['eval'], ['replay', '--last', '1'], ['train']]) {
    const { code, err } = await run([...command, '--data', typo])
    assert.equal(code, 3, `${command}: ${err}`)
    assertClear(err, typo, 'is not there')
    assert.ok(!existsSync(typo), `${command} made the folder`)
  }

  // A fresh place whose parents are not there yet is made.
  const deep = join(home.path, 'a/b/c')
  const server = await serve(deep)
  t.after(() => server.kill())
  assert.equal((await server.stop()).code, 0)
  assert.ok(existsSync(join(deep, 'log.db')))
})

test('a second process on the folder is refused, and the first does not notice', async (t) => {
  const data = await copyOf(template)
  t.after(() => data.drop())
  const server = await serve(data.path)
  t.after(() => server.kill())
  const known = new Set()
  await acknowledged(server, known)
  let going = true
  const load = (async () => { while (going) await acknowledged(server, known) })()
  for (const command of [['serve', '--listen', '127.0.0.1:0'], ['demo', '--port', '0', '--no-open'], ['doctor'], ['train'], ['export', 'events'], ['import', '--replay']]) {
    const { code, err } = await run([...command, '--data', data.path], ['timeout', '--signal=KILL', '20'])
    assert.equal(code, 3, `${command}: ${err}`)
    assertClear(err, data.path, 'in use by', `process ${server.pid}`)
  }
  going = false
  await load
  assert.equal((await decide(server)).status, 200)
  assert.equal((await server.stop()).code, 0)
  await assertKept(data.path, known)
})

test('files of a newer Mercer are refused with advice, untouched', async (t) => {
  const data = await copyOf(template)
  t.after(() => data.drop())
  const json = (path, change) => writeFileSync(path, JSON.stringify(change(JSON.parse(readFileSync(path, 'utf8')))))
  const newer = {
    'mercer.json': (path) => json(path, (about) => ({ ...about, format: 2, shards: 4 })),
    // SQLite's `user_version`.
    'log.db': (path) => scribble(path, 60, Buffer.from([0, 0, 0, 2])),
    'tables.db': (path) => scribble(path, 60, Buffer.from([0, 0, 0, 2])),
    'models/aliases.json': (path) => json(path, (aliases) => ({ ...aliases, format: 2 })),
  }
  for (const [name, change] of Object.entries(newer)) {
    const path = join(data.path, name)
    change(path)
    const before = contents(data.path)
    for (const { code, out, err } of [await refusedServe(data.path), await run(['doctor', '--data', data.path])]) {
      assert.equal(code, 3, `${name}: ${out}${err}`)
      assertClear(out + err, name, 'has format 2', 'formats up to 1', 'newer')
    }
    assert.deepEqual(contents(data.path), before, `${name}: something was changed`)
    copyFileSync(join(template.path, name), path)
  }

  // A model of a newer Mercer: served without, said, and left as it is.
  const [version] = readdirSync(join(data.path, 'models')).filter((name) => /^\d+$/.test(name))
  const manifest = join(data.path, 'models', version, 'manifest.json')
  json(manifest, (about) => ({ ...about, format: 2 }))
  const server = await serve(data.path)
  t.after(() => server.kill())
  assertClear(server.complaints(), 'manifest.json', 'has format 2')
  assert.equal((await call(server, 'read', 'GET', '/readyz')).body.model, null)
  assert.equal((await decide(server)).status, 200)
  await server.stop()
  const doctor = await run(['doctor', '--data', data.path])
  assert.equal(doctor.code, 1)
  assertClear(doctor.out, 'FAULT', 'manifest.json', 'has format 2')
  assert.equal(JSON.parse(readFileSync(manifest, 'utf8')).format, 2)
  copyFileSync(join(template.path, 'models', version, 'manifest.json'), manifest)

  // A lake of a newer Mercer must not be merged away.
  const events = join(data.path, 'lake/events')
  const [file] = readdirSync(events).sort().reverse()
  const bytes = readFileSync(join(events, file))
  const key = bytes.lastIndexOf('mercer.format')
  assert.ok(key > 0)
  scribble(join(events, file), bytes.indexOf('2', key), Buffer.from('3'))
  const before = contents(join(data.path, 'lake'))
  const train = await run(['train', '--data', data.path])
  assert.notEqual(train.code, 0)
  assertClear(train.err, file, 'has format 3', 'formats up to 2')
  assert.deepEqual(contents(join(data.path, 'lake')), before)
})

test('a lake that is ahead of a log put back, or damaged, is written again or named', async (t) => {
  const data = await copyOf(template)
  t.after(() => data.drop())
  const server = await serve(data.path)
  t.after(() => server.kill())
  const known = new Set()
  await acknowledged(server, known, 50)
  assert.equal((await call(server, 'admin', 'POST', '/v1/models/train')).status, 200)
  await server.stop()
  // The log of before comes back; the lake knows records that never were.
  copyFileSync(join(template.path, 'log.db'), join(data.path, 'log.db'))
  const next = await serve(data.path)
  t.after(() => next.kill())
  const others = new Set()
  await acknowledged(next, others, 200)
  const trained = await call(next, 'admin', 'POST', '/v1/models/train')
  assert.equal(trained.status, 200, JSON.stringify(trained.body))
  await next.stop()
  await assertKept(data.path, others)

  const lines = join(data.path, 'lake/lines')
  const [file] = readdirSync(lines).sort()
  truncateSync(join(lines, file), 1_000)
  const doctor = await run(['doctor', '--data', data.path])
  assert.equal(doctor.code, 1, doctor.out + doctor.err)
  assertClear(doctor.out, file, 'damaged', 'delete the folder `lake`')
  const train = await run(['train', '--data', data.path])
  assert.notEqual(train.code, 0)
  assertClear(train.err, file, 'damaged', 'delete the folder `lake`')
  rmSync(join(data.path, 'lake'), { recursive: true })
  const mended = await run(['train', '--data', data.path])
  assert.equal(mended.code, 0, mended.err)
})

test('broken model files: the server starts, says so, and mends with the next training', async (t) => {
  const data = await copyOf(template)
  t.after(() => data.drop())
  const models = join(data.path, 'models')
  const [version] = readdirSync(models).filter((name) => /^\d+$/.test(name))
  const place = (name) => join(models, version, name)
  const faults = {
    'for_you.model': (path) => truncateSync(path, 1_000),
    'also_viewed.model': (path) => writeFileSync(path, 'Dear diary'),
    'bought_together.model': (path) => truncateSync(path, 0),
    'repurchase.model': (path) => rmSync(path),
    'manifest.json': (path) => truncateSync(path, 40),
  }
  for (const [name, damage] of Object.entries(faults)) {
    damage(place(name))
    const server = await serve(data.path)
    t.after(() => server.kill())
    // What was said before `ready` may still be in the pipe.
    for (let attempt = 0; attempt < 100 && !server.complaints().includes(name); attempt += 1) {
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    assertClear(server.complaints(), version, name, /champion/)
    const answer = await decide(server)
    assert.equal(answer.status, 200)
    assert.ok(answer.body.placements.some(({ items }) => items.length > 0), `${name}: nothing to show`)
    await server.kill()
    const doctor = await run(['doctor', '--data', data.path])
    assert.equal(doctor.code, 1, doctor.out + doctor.err)
    assertClear(doctor.out, name, 'mercer train')
    copyFileSync(join(template.path, 'models', version, name), place(name))
  }

  writeFileSync(place('for_you.model'), 'Dear diary')
  const server = await serve(data.path)
  t.after(() => server.kill())
  const trained = await call(server, 'admin', 'POST', '/v1/models/train')
  assert.equal(trained.status, 200, JSON.stringify(trained.body))
  assert.ok(trained.body.promoted, 'the only champion that can be read waits as candidate')
  const { body } = await call(server, 'read', 'GET', '/readyz')
  assert.equal(body.model, trained.body.version)
  await server.stop()
  const next = await serve(data.path)
  t.after(() => next.kill())
  assert.equal((await call(next, 'read', 'GET', '/readyz')).body.model, trained.body.version)
  await next.stop()

  // The list of aliases cut off: it is set aside, and the log says which version serves.
  truncateSync(join(models, 'aliases.json'), 10)
  const after = await serve(data.path)
  t.after(() => after.kill())
  await until('the list that was set aside is told', () => after.complaints().includes('aliases.json.damaged'))
  assert.equal((await call(after, 'read', 'GET', '/readyz')).body.model, trained.body.version)
  assert.ok(JSON.parse(readFileSync(join(models, 'aliases.json'), 'utf8')), 'no list anew')
  await after.stop()
})
