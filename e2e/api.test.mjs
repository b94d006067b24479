// schemathesis reads the API's own description and tries to break it: wrong shapes, hostile values, missing keys.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { after, before, test } from 'node:test'
import { call, folder, startDemo } from './support/server.mjs'

let data, server
before(async () => {
  data = await folder()
  server = await startDemo(data.path)
})
after(async () => {
  await server?.stop()
  await data?.drop()
})

test('schemathesis finds no answer that the description does not allow', async () => {
  const child = spawn('.venv/bin/schemathesis', [
    'run', `${server.url}/openapi.json`, '--url', server.url, '--header', 'Authorization: Bearer demo-admin',
    '--checks', 'all', '--max-examples', process.env.MERCER_EXAMPLES ?? '5', '--phases', 'examples,coverage',
    // Training a model per example would only measure patience, and going back once and again has an end; both are tested
    // on their own.
    '--exclude-path', '/v1/models/train', '--exclude-path', '/v1/models/rollback',
    // An API that refuses surplus input by design, and keys that any caller may hold, are no faults.
    '--exclude-checks', 'positive_data_acceptance,unsupported_method',
    '--request-timeout', '20', '--no-color',
  ], { stdio: ['ignore', 'pipe', 'pipe'] })
  let report = ''
  child.stdout.on('data', (chunk) => { report += chunk })
  child.stderr.on('data', (chunk) => { report += chunk })
  const code = await new Promise((resolve) => child.once('exit', resolve))
  assert.equal(code, 0, report.slice(-8_000))
})

test('every call without its key is refused, and with a key of another scope too', async () => {
  const { body: document } = await call(server, 'GET', '/openapi.json', { key: null })
  const checked = new Set()
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const isOpen = operation.security?.some((scheme) => Object.keys(scheme).length === 0)
      if (isOpen) continue
      const url = path.replaceAll(/\{\w+\}/g, 'x')
      const body = method === 'get' || method === 'delete' ? undefined : {}
      const bare = await call(server, method.toUpperCase(), url, { key: null, body })
      assert.equal(bare.status, 401, `${method} ${path} without a key`)
      assert.equal(bare.headers.get('content-type'), 'application/problem+json')
      const wrong = url === '/v1/batch' ? 'demo-read' : 'demo-write'
      const foreign = await call(server, method.toUpperCase(), url, { key: wrong, body })
      assert.equal(foreign.status, 403, `${method} ${path} with the key ${wrong}`)
      checked.add(`${method} ${path}`)
    }
  }
  assert.ok(checked.size >= 24, `only ${checked.size} calls are described`)
  for (const call of ['post /v1/import/{kind}', 'get /v1/export/events', 'get /v1/export/products', 'get /v1/backup', 'get /v1/keys']) {
    assert.ok(checked.has(call), `${call} is not described, or open`)
  }
})

test('training over the API, while decisions go on', async () => {
  const trained = await call(server, 'POST', '/v1/models/train')
  assert.equal(trained.status, 200)
  const models = await call(server, 'GET', '/v1/models')
  assert.ok(models.body.models.some((model) => model.version === trained.body.version))
  const decision = await call(server, 'POST', '/v1/decide', { key: 'demo-decide', body: { customer: '12347', group: 'home' } })
  assert.equal(decision.status, 200)
  assert.ok(decision.body.placements.length >= 3)
  const id = decision.body.decision_id
  let replayed
  for (let attempt = 0; attempt < 50 && replayed?.status !== 200; attempt += 1) {
    await new Promise((resolve) => setTimeout(resolve, 100))
    replayed = await call(server, 'GET', `/v1/decisions/${id}/replay`)
  }
  assert.equal(replayed.body.identical, true)
  assert.deepEqual(replayed.body.decision, decision.body)
})
