// The command line on a running server: import, export, backup, keys. And what it says when it is not told of the server.

import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { call, folder, run, startDemo } from './support/server.mjs'

let data, files, server, remote
before(async () => {
  data = await folder()
  files = await folder()
  server = await startDemo(data.path)
  remote = ['--server', server.url, '--key', 'demo-admin']
})
after(async () => {
  await server?.stop()
  await data?.drop()
  await files?.drop()
})

test('a locked data folder names the server, and the named command works', async () => {
  const catalog = join(files.path, 'catalog.csv')
  await writeFile(catalog, 'id,title,price\nremote-1,Remote mug,2.55 GBP\nremote-2,Bowl,cheap\n')
  const locked = await run(['import', 'catalog', catalog, '--data', data.path])
  assert.equal(locked.code, 3)
  assert.ok(locked.err.includes(`import catalog ${catalog} --server ${server.url} --key ADMIN_KEY`), locked.err)
  const tried = await run(['import', 'catalog', catalog, '--dry-run', '--json', ...remote])
  assert.deepEqual([JSON.parse(tried.out).stored, JSON.parse(tried.out).report.bad], [0, 1])
  const taken = await run(['import', 'catalog', catalog, '--json', ...remote])
  assert.equal(taken.code, 1, 'a bad row is no success')
  assert.equal(JSON.parse(taken.out).stored, 1)
  const { body } = await call(server, 'GET', '/v1/products/remote-1')
  assert.equal(body.title, 'Remote mug')
  const { body: kept } = await call(server, 'GET', '/v1/bad-rows')
  assert.equal(kept.bad_rows[0].row.field, 'price')
})

test('a mapping of one\'s own goes with the file', async () => {
  const [catalog, mapping] = [join(files.path, 'own.csv'), join(files.path, 'own.toml')]
  await writeFile(catalog, 'Code;Name\nremote-3;Remote jug\n')
  await writeFile(mapping, 'kind = "catalog"\n[fields]\nid = "Code"\ntitle = "Name"\n')
  const taken = await run(['import', 'catalog', catalog, '--mapping', mapping, '--json', ...remote])
  assert.equal(taken.code, 0, taken.err)
  assert.equal(JSON.parse(taken.out).stored, 1)
})

test('events come out once, from a position on', async () => {
  const file = join(files.path, 'events.jsonl')
  const all = await run(['export', 'events', '--out', file, ...remote])
  assert.equal(all.code, 0, all.err)
  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n')
  assert.ok(lines.length > 20_000 && JSON.parse(lines.at(-1)).message_id)
  const position = all.err.match(/--after (\d+)/)[1]
  const event = { type: 'track', event: 'Product Viewed', messageId: 'after-export', userId: 'exported', properties: { product_id: 'remote-1' } }
  await call(server, 'POST', '/v1/batch', { key: 'demo-write', body: { batch: [event] } })
  const rest = await run(['export', 'events', '--after', position, ...remote])
  assert.equal(JSON.parse(rest.out).message_id, 'after-export')
})

test('a backup made while serving is whole', async () => {
  const target = join(files.path, 'backup')
  const made = await run(['export', 'backup', '--out', target, ...remote])
  assert.equal(made.code, 0, made.err)
  const looked = await run(['doctor', '--rebuild', '--data', target])
  assert.equal(looked.code, 0, looked.out + looked.err)
})

test('keys are made once, listed without secrets, and revoked at once', async () => {
  const made = await run(['key', 'create', 'e2e', '--scope', 'read,decide', '--json', ...remote])
  const { secret } = JSON.parse(made.out)
  assert.equal((await call(server, 'GET', '/v1/products', { key: secret })).status, 200)
  const listed = await run(['key', 'list', '--json', ...remote])
  assert.ok(listed.out.includes('"e2e"') && !listed.out.includes(secret))
  assert.equal((await run(['key', 'revoke', 'e2e', ...remote])).code, 0)
  assert.equal((await call(server, 'GET', '/v1/products', { key: secret })).status, 401)
  assert.equal((await run(['key', 'revoke', 'e2e', ...remote])).code, 1)
})

test('keys are made in the folder of a stopped server', async () => {
  const own = await folder()
  const stopped = ['--data', own.path]
  assert.equal((await run(['key', 'list', ...stopped])).code, 3, 'no folder is made by looking')
  const made = await run(['key', 'create', 'till', '--scope', 'write', '--rate', '5', ...stopped])
  assert.match(made.out, /^mk_[\w-]{43}\n$/)
  const listed = JSON.parse((await run(['key', 'list', '--json', ...stopped])).out)
  assert.deepEqual(listed.keys.map((key) => [key.name, key.scopes, key.requests_per_second]), [['till', ['write'], 5]])
  await own.drop()
})

test('every code that an answer names is explained', async () => {
  const page = await fetch(`${server.url}/docs/errors`)
  assert.match(page.headers.get('content-security-policy'), /default-src 'none'/)
  const text = await page.text()
  const { body } = await call(server, 'GET', '/v1/products/none')
  assert.equal(body.type, '/docs/errors#not_found')
  assert.ok(text.includes(`id="${body.code}"`))
})
