// The whole server under hostile clients: too much, too slow, packed, nested, cut off, not text. It answers each with a
// problem or closes the connection, stays up, keeps its memory bounded, and loses nothing when it is stopped meanwhile.

import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { call as callWith } from './support/server.mjs'
import { copyOf, memory, messageIds, raw, serve, shop } from './support/faults.mjs'

let template
let data
let server
before(async () => {
  template = await shop()
  data = await copyOf(template)
  server = await serve(data.path)
})
after(async () => {
  await server?.kill()
  await data?.drop()
  await template?.drop()
})

const call = (scope, method, path, more = {}) => callWith(server, method, path, { key: template.keys[scope], ...more })

/** A body as it is, with any headers. */
async function post(path, body, { scope = 'write', method = 'POST', headers = {}, to = server } = {}) {
  const response = await fetch(to.url + path, {
    method, body, headers: { authorization: `Bearer ${template.keys[scope]}`, ...headers },
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, text }
}

/** An answer that says what was wrong, or that all is well; never a fault of ours. */
function assertAnswered({ status, headers, text }, what, ...allowed) {
  assert.ok(status < 500, `${what}: ${status} ${text}`)
  if (allowed.length) assert.ok(allowed.includes(status), `${what}: ${status} ${text}`)
  if (status < 400) return
  assert.equal(headers.get('content-type'), 'application/problem+json', `${what}: ${text}`)
  const problem = JSON.parse(text)
  assert.ok(problem.code && problem.detail, `${what}: ${text}`)
  assert.ok(text.length < 5_000, `${what}: an answer of ${text.length} bytes`)
}

async function assertWell() {
  assert.equal((await call('read', 'GET', '/healthz')).status, 200)
  const decided = await call('decide', 'POST', '/v1/decide', { body: { anonymous_id: 'v', group: 'home', page: { type: 'home' } } })
  assert.equal(decided.status, 200)
  assert.doesNotMatch(server.complaints(), /panicked/)
}

const track = (more = {}) => ({ type: 'track', event: 'Product Viewed', anonymousId: 'v', properties: { product_id: 'p-1' }, ...more })
const COLLECTORS = ['/v1/batch', '/v1/track', '/v1/identify', '/api/s/track', '/mp/collect', '/debug/mp/collect', '/beacon/v1/batch']

test('oversized bodies are refused with 413, whatever they say of their length', async () => {
  for (const path of COLLECTORS) {
    for (const size of [600 * 1024, 2 * 1024 * 1024, 20 * 1024 * 1024]) {
      // A connection that an earlier refusal closed may be picked up once more: then it is tried again.
      const answer = await post(path, 'x'.repeat(size)).catch(() => post(path, 'x'.repeat(size))).catch(() => null)
      if (answer) {
        // The validator only says what is wrong.
        if (path.startsWith('/debug') && size < 1024 * 1024) assertAnswered(answer, `${path} ${size}`, 200, 413)
        else assert.equal(answer.status, 413, `${path} ${size}: ${answer.status} ${answer.text.slice(0, 200)}`)
      } else assert.ok(size > 1024 * 1024, `${path} ${size}: the connection was cut without an answer`)
    }
  }
  for (const [scope, method, path] of [['decide', 'POST', '/v1/decide'], ['admin', 'POST', '/v1/products'], ['admin', 'PUT', '/v1/placements/x'], ['admin', 'POST', '/v1/keys']]) {
    const answer = await post(path, JSON.stringify({ a: 'x'.repeat(8 * 1024 * 1024) }), { scope, method }).catch(() => null)
    if (answer) assert.ok([404, 405, 413].includes(answer.status), `${path}: ${answer.status} ${answer.text.slice(0, 200)}`)
  }
  const many = JSON.stringify({ batch: Array.from({ length: 2_501 }, () => ({})) })
  assertAnswered(await post('/v1/batch', many), 'too many events', 413)
  await assertWell()
})

test('bombs and wrong encodings', async () => {
  const zeros = Buffer.alloc(200 * 1024 * 1024, ' ')
  const bomb = gzipSync(zeros, { level: 9 })
  const nested = gzipSync(bomb)
  const plain = Buffer.from(JSON.stringify({ batch: [track()] }))
  const packed = gzipSync(plain)
  const before = memory(server)
  for (const path of COLLECTORS) {
    for (const [name, body, encoding, ...allowed] of [
      ['bomb', bomb, 'gzip', 413], ['bomb without label', bomb, undefined, 413], ['nested bomb', nested, 'gzip', 400, 413],
      ['deflate bomb', deflateSync(zeros.subarray(0, 50 * 1024 * 1024)), 'deflate', 413],
      ['raw deflate bomb', deflateRawSync(zeros.subarray(0, 50 * 1024 * 1024)), 'deflate', 413, 400],
      ['not gzip', Buffer.from('hello'), 'gzip', 400], ['cut gzip', packed.subarray(0, 30), 'gzip', 400],
      ['wrong checksum', Buffer.from(packed).fill(0, packed.length - 8), 'gzip', 400],
      ['brotli', plain, 'br', 400], ['two encodings', plain, 'gzip, gzip', 400], ['strange label', plain, 'x'.repeat(500), 400],
    ]) {
      const answer = await post(path, body, { headers: encoding ? { 'content-encoding': encoding } : {} }).catch(() => null)
      // Bodies beyond the limit may be cut off while they are sent.
      if (!answer) continue
      if (path.startsWith('/debug')) assertAnswered(answer, `${path} ${name}`)
      else assertAnswered(answer, `${path} ${name}`, ...allowed)
    }
  }
  await Promise.all(Array.from({ length: 24 }, () => post('/v1/batch', bomb, { headers: { 'content-encoding': 'gzip' } }).catch(() => null)))
  const grown = memory(server) - before
  assert.ok(grown < 120, `the memory grew by ${grown.toFixed(0)} MiB`)
  await assertWell()
})

test('text that is no text, bottomless nesting, endless numbers, NUL bytes', async () => {
  const deep = (open, close, levels) => open.repeat(levels) + close.repeat(levels)
  const bodies = {
    empty: '',
    'invalid UTF-8': Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]),
    'UTF-16': Buffer.from('\ufeff{"batch":[]}', 'utf16le'),
    'lone surrogates': '{"batch":[{"type":"track","event":"\\ud800","userId":"\\udc00","properties":{"a":"\\ud83d"}}]}',
    NUL: '{"batch":[{"type":"track","event":"a\\u0000b","userId":"\\u0000","properties":{"\\u0000":"\\u0000"}}]}',
    'bare NUL': Buffer.from('{"batch":[\0]}'),
    arrays: deep('[', ']', 100_000),
    'unclosed arrays': '['.repeat(400_000),
    objects: deep('{"a":', '', 60_000),
    'deep properties': `{"batch":[{"type":"track","event":"E","userId":"u","properties":{"a":${deep('[', ']', 120)}}}]}`,
    'huge numbers': '{"batch":[{"type":"track","event":"Order Completed","userId":"u","properties":{"order_id":"o","total":1e-2147483648,"products":[{"product_id":"p","price":1e999,"quantity":99999999999999999999}]}}]}',
    'long number': `{"batch":[{"type":"track","event":"E","userId":"u","properties":{"a":${'9'.repeat(20_000)}}}]}`,
    'same key often': `{"batch":[{"type":"track","event":"E","userId":"u"${',"userId":"u"'.repeat(1_000)}}]}`,
    'many keys': JSON.stringify({ batch: [track({ properties: Object.fromEntries(Array.from({ length: 3_000 }, (_, index) => [`k${index}`, 1])) })] }),
    'no events': '{"batch":{}}',
    scalar: '7',
    'two values': '{"batch":[]}{"batch":[]}',
    prototype: '{"batch":[{"type":"track","event":"E","userId":"u","__proto__":{"a":1},"constructor":{"prototype":{}}}]}',
    'strange times': '{"batch":[{"type":"track","event":"E","userId":"u","timestamp":"-009999-01-01T00:00:00Z","originalTimestamp":"9999-12-31T23:59:59Z"}]}',
  }
  for (const [name, body] of Object.entries(bodies)) {
    for (const path of COLLECTORS) assertAnswered(await post(path, body), `${path} ${name}`)
    for (const [scope, method, path] of [
      ['decide', 'POST', '/v1/decide'], ['admin', 'POST', '/v1/products'], ['admin', 'PUT', '/v1/placements/for-you'],
      ['admin', 'POST', '/v1/keys'], ['admin', 'POST', '/v1/models/x/promote'],
    ]) {
      assertAnswered(await post(path, body, { scope, method, headers: { 'content-type': 'application/json' } }), `${path} ${name}`)
    }
  }
  for (const product of [
    { id: 'n', title: 'x', price: { minor: 1e30, currency: 'GBP' } }, { id: '\u0000', title: 'x' }, { id: 'x'.repeat(5_000), title: 'x' },
    { id: 'n', title: 'x', attributes: { a: { b: 1 } } }, { id: 'n', title: 'x', repurchase_days: -1 },
  ]) assertAnswered(await post('/v1/products', JSON.stringify([product]), { scope: 'admin' }), JSON.stringify(product).slice(0, 80), 400)
  await assertWell()
})

test('queries, paths and headers of any kind', async () => {
  const texts = ['', '%00', '%ff%fe', '%F0%9F%98%80', '%2e%2e%2f', '"'.repeat(500), '('.repeat(2_000), 'a'.repeat(6_000), '*', 'AND OR NOT', 'title:[* TO *]', '~1', '^9999', "'; DROP TABLE records; --", '%u202e']
  for (const text of texts) {
    for (const [scope, path] of [
      ['decide', `/v1/search?q=${text}`], ['decide', `/v1/search?q=mug&limit=${text}`], ['decide', `/v1/search?q=mug&cursor=${text}`],
      ['decide', `/v1/suggest?q=${text}`], ['decide', `/v1/products?cursor=${text}`], ['decide', `/v1/products?limit=${text}`],
      ['decide', `/v1/products/${text || 'x'}`], ['read', `/v1/customers/${text || 'x'}`], ['read', `/v1/decisions/${text || 'x'}`],
      ['admin', `/v1/bad-rows?cursor=${text}`],
    ]) {
      const response = await fetch(server.url + encodeURI(path).replaceAll('%25', '%'), { headers: { authorization: `Bearer ${template.keys[scope]}` } })
      const body = await response.text()
      assert.ok(response.status < 500, `${path}: ${response.status} ${body}`)
    }
  }
  for (const number of ['18446744073709551616', '-1', '1e9', '99999999999', '0']) {
    const { status } = await callWith(server, 'GET', `/v1/products?limit=${number}`, { key: template.keys.decide })
    assert.ok([200, 400].includes(status), `limit=${number}: ${status}`)
  }

  // Node's client would tidy these up: they go over a bare connection.
  for (const path of [
    '/sdk/../../../../etc/passwd', '/sdk/..%2f..%2f..%2fetc/passwd', '/sdk/%2e%2e/%2e%2e/Cargo.toml', '/sdk//etc/passwd', '/sdk/src/..\\..\\mercer.js',
    '/sdk/test/fakes.js', '/sdk/package.json', '/sdk/%00mercer.js', '/sdk/mercer.js%00.css', '/console/assets/../../../etc/passwd',
    '/console/../../etc/passwd', '/docs/api/../../../../etc/passwd', '/static/..%2f..%2fetc/passwd', '/../log.db', '/%2e%2e/log.db', '//log.db',
  ]) {
    const answer = await raw(server, [`GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`])
    const status = Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1])
    assert.ok([303, 302, 307, 308, 400, 401, 404].includes(status), `${path}: ${answer.slice(0, 200)}`)
    assert.doesNotMatch(answer, /root:|SQLite format|\[workspace\]|export const fakeTab/)
  }

  const headers = Array.from({ length: 10_000 }, (_, index) => `x-${index}: ${index}\r\n`).join('')
  for (const [name, request, statuses] of [
    ['10,000 headers', `GET /healthz HTTP/1.1\r\nhost: x\r\n${headers}\r\n`, [400, 431]],
    ['a header of a megabyte', `GET /healthz HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(1 << 20)}\r\n\r\n`, [400, 431]],
    ['an address of a megabyte', `GET /${'y'.repeat(1 << 20)} HTTP/1.1\r\nhost: x\r\n\r\n`, [400, 404, 414, 431]],
    ['no HTTP', 'hello\r\n\r\n', [400]],
    ['another protocol', Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]), [400, NaN]],
    ['a lie about the length', `POST /v1/batch HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n`, [400]],
    ['two lengths', `POST /v1/batch HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 9\r\n\r\n{}`, [400]],
    ['length and chunks', `POST /v1/batch HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`, [400, 401]],
    ['a broken chunk', `POST /v1/batch HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer ${template.keys.write}\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n`, [400]],
    ['endless chunks', [`POST /v1/batch HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer ${template.keys.write}\r\ntransfer-encoding: chunked\r\n\r\n`, ...Array(40).fill(`10000\r\n${'x'.repeat(65_536)}\r\n`)], [413, NaN]],
    ['a key with bytes', 'GET /v1/products HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer \xff\xfe\r\n\r\n', [400, 401]],
    ['Basic garbage', 'GET /v1/products HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Basic ====\r\n\r\n', [401]],
  ]) {
    const answer = await raw(server, [].concat(request), { patienceMs: 2_000 })
    const status = Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1])
    assert.ok(statuses.some((one) => Object.is(one, status)), `${name}: ${answer.slice(0, 300)}`)
  }
  await assertWell()
})

test('clients that trickle do not hold up others, and their memory is bounded', async () => {
  const before = memory(server)
  const head = (path, length, key = template.keys.write) => `POST ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${key}\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`
  const slow = Array.from({ length: 200 }, (_, index) => {
    const { hostname, port } = new URL(server.url)
    const socket = connect(Number(port), hostname)
    socket.on('error', () => {})
    socket.write(index % 3 === 0 ? 'GET /healthz HTT' : index % 3 === 1 ? `${head('/v1/batch', 400_000)}{"batch":[` : `${head('/v1/decide', 400_000, template.keys.decide)}{"pa`)
    const timer = setInterval(() => socket.write(' '), 20)
    return () => { clearInterval(timer); socket.destroy() }
  })
  try {
    const started = Date.now()
    for (let round = 0; round < 30; round += 1) {
      const answer = await post('/v1/batch', JSON.stringify({ batch: [track({ messageId: `slow-${round}` })] }))
      assert.equal(answer.status, 200, answer.text)
      await assertWell()
    }
    const seconds = (Date.now() - started) / 1_000
    assert.ok(seconds < 15, `90 requests took ${seconds} s beside 200 slow connections`)
    const grown = memory(server) - before
    assert.ok(grown < 100, `the memory grew by ${grown.toFixed(0)} MiB`)
  } finally {
    slow.forEach((stop) => stop())
  }
})

test('a caller that goes away breaks off no training and blocks no later one', async () => {
  const versions = async () => (await call('admin', 'GET', '/v1/models')).body.models.length
  const before = await versions()
  const gone = new AbortController()
  const left = fetch(`${server.url}/v1/models/train`, { method: 'POST', headers: { authorization: `Bearer ${template.keys.admin}` }, signal: gone.signal }).catch(() => null)
  await new Promise((resolve) => setTimeout(resolve, 30))
  gone.abort()
  await left
  let answer
  // A training takes as long as the machine is busy.
  for (let attempt = 0; attempt < 900; attempt += 1) {
    answer = await call('admin', 'POST', '/v1/models/train')
    if (answer.status !== 409) break
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  assert.equal(answer.status, 200, JSON.stringify(answer.body))
  assert.ok(await versions() >= before + 2, 'the run whose caller went away came to nothing')
})

test('told to stop while requests run: they are answered, and everything acknowledged is there', async (t) => {
  const other = await copyOf(template)
  t.after(() => other.drop())
  const stopping = await serve(other.path)
  t.after(() => stopping.kill())
  const acknowledged = new Set()
  let unanswered = 0
  let refused = 0
  let isOver = false
  const writers = Array.from({ length: 8 }, async (_, writer) => {
    for (let round = 0; !isOver; round += 1) {
      const batch = Array.from({ length: 20 }, (_, index) => track({ messageId: `stop-${writer}-${round}-${index}` }))
      try {
        const answer = await post('/v1/batch', JSON.stringify({ batch }), { to: stopping })
        if (answer.status === 200) batch.forEach(({ messageId }) => acknowledged.add(messageId))
        else if (answer.status === 503) { refused += 1; return }
        else throw new assert.AssertionError({ message: `${answer.status} ${answer.text}` })
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error
        // A connection that was refused or closed before anything was answered.
        unanswered += 1
        return
      }
    }
  })
  // A request whose body is under way when the signal comes still gets its answer.
  const late = JSON.stringify({ batch: [track({ messageId: 'stop-late' })] })
  const lateAnswer = raw(stopping, [
    `POST /v1/batch HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer ${template.keys.write}\r\ncontent-length: ${late.length}\r\n\r\n${late.slice(0, 10)}`,
    late.slice(10),
  ], { pauseMs: 1_200 })
  await new Promise((resolve) => setTimeout(resolve, 800))
  const started = Date.now()
  const { code } = await stopping.stop()
  isOver = true
  await Promise.all(writers)
  assert.equal(code, 0, stopping.complaints())
  assert.ok(Date.now() - started < 15_000, 'it took too long to stop')
  const answer = await lateAnswer
  assert.match(answer, /^HTTP\/1\.1 200/, `the request under way: ${answer.slice(0, 200)}`)
  acknowledged.add('stop-late')
  assert.ok(acknowledged.size > 500, `too little load: ${acknowledged.size}`)
  const seen = await messageIds(other.path)
  assert.deepEqual([...acknowledged].filter((id) => seen.get(id) !== 1), [])
  console.log(`${acknowledged.size} acknowledged while stopping, ${refused} refused, ${unanswered} writers cut off`)
})
