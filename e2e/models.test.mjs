// Models are kept safe: trained with progress, compared, tried, promoted, taken back; broken ones are refused.
// Over the API and from the command line, on one demo shop.

import assert from 'node:assert/strict'
import { copyFileSync, existsSync, readFileSync, readdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { call, folder, run, startDemo } from './support/server.mjs'

let data, server, remote
before(async () => {
  data = await folder()
  server = await startDemo(data.path)
  remote = ['--server', server.url, '--key', 'demo-admin']
})
after(async () => {
  await server?.stop()
  await data?.drop()
})

const serving = async () => (await call(server, 'GET', '/readyz')).body.model
const card = async (version) => (await call(server, 'GET', `/v1/models/${version}`)).body
const changes = async () => (await call(server, 'GET', '/v1/models/changes')).body.changes

/** The training once it has ended. */
async function ended() {
  for (;;) {
    const { body } = await call(server, 'GET', '/v1/models/training')
    if (!body.running) return body
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

async function trained() {
  const { status, body } = await call(server, 'POST', '/v1/models/train')
  assert.equal(status, 200, JSON.stringify(body))
  return body
}

test('a training that nobody waits for tells how far it is', async () => {
  const begun = await call(server, 'POST', '/v1/models/train', { body: { wait: false, why: 'a look' } })
  assert.equal(begun.status, 202, JSON.stringify(begun.body))
  assert.equal((await call(server, 'POST', '/v1/models/train', { body: { wait: false } })).status, 409)
  const told = new Set()
  let progress
  do {
    progress = (await call(server, 'GET', '/v1/models/training')).body
    told.add(progress.doing)
    await new Promise((resolve) => setTimeout(resolve, 10))
  } while (progress.running)
  assert.ok(told.size >= 3, `only told of ${[...told]}`)
  assert.deepEqual([progress.done, progress.error, progress.requested_by, progress.why], [progress.steps, null, 'key demo-admin', 'a look'])
  const made = await card(progress.version)
  assert.equal(made.lineage.requested_by, 'key demo-admin')
  assert.match(made.lineage.digest, /^[0-9a-f]{32}$/)
  assert.ok(made.lineage.counts.orders > 10_000 && made.lineage.models['for_you.model'].settings.includes('Settings'))
  assert.equal(made.gate.champion, made.lineage.parent)
  assert.ok(made.gate.checks.length >= 6 && made.gate.checks.every((check) => check.words))
})

test('kill -9 while a model is trained: the next start goes on with what was done', async () => {
  const before = (await call(server, 'GET', '/v1/models')).body.models.length
  const champion = await serving()
  await call(server, 'POST', '/v1/models/train', { body: { wait: false, why: 'cut off' } })
  const notes = join(data.path, 'models/run/run.json')
  const kept = () => {
    try { return Object.keys(JSON.parse(readFileSync(notes)).pieces).length } catch { return 0 }
  }
  while (kept() < 3) await new Promise((resolve) => setTimeout(resolve, 2))
  await server.kill()
  assert.ok(existsSync(notes), 'the run was over before it could be cut off')

  server = await startDemo(data.path)
  remote[1] = server.url
  assert.equal(await serving(), champion)
  const outcome = await ended()
  assert.ok(outcome.resumed >= 3, JSON.stringify(outcome))
  assert.deepEqual([outcome.error, outcome.why], [null, 'cut off'])
  assert.equal((await card(outcome.version)).lineage.resumed, outcome.resumed)
  assert.equal((await call(server, 'GET', '/v1/models')).body.models.length, before + 1)
  assert.ok(!existsSync(notes), 'the run is left behind')
})

test('back and forth in one command, with who and why', async () => {
  const champion = await serving()
  const back = await run(['models', 'rollback', '--why', 'empty rows', '--json', ...remote])
  assert.equal(back.code, 0, back.err)
  const earlier = JSON.parse(back.out).version
  assert.ok(earlier < champion)
  assert.equal(await serving(), earlier)
  const [change] = await changes()
  assert.deepEqual([change.action, change.version, change.before, change.by, change.why], ['rolled_back', earlier, champion, 'key demo-admin', 'empty rows'])
  const forth = await run(['models', 'promote', champion, ...remote])
  assert.equal(forth.code, 0, forth.err)
  assert.equal(await serving(), champion)
  const listed = await run(['models', 'list', ...remote])
  assert.match(listed.out, new RegExp(`${champion} .*champion`))
  const shown = await run(['models', 'show', champion, ...remote])
  assert.match(shown.out, /gate: passed[\s\S]*Next order: recall at 20/)
  const trail = await run(['models', 'changes', ...remote])
  assert.match(trail.out, /rolled back .*by key demo-admin \(empty rows\)/)
  assert.equal((await run(['models', 'show', '999999', ...remote])).code, 1)
})

test('a canary answers its share of the customers, and every decision is made again bit for bit', async () => {
  const champion = await serving()
  const { models } = (await call(server, 'GET', '/v1/models')).body
  const tried = models.find((model) => !model.champion).version
  for (const share of [0, 2, -1, 'half']) {
    assert.equal((await call(server, 'POST', '/v1/models/canary', { body: { version: tried, share } })).status, 400, `${share}`)
  }
  const refused = await call(server, 'POST', '/v1/models/canary', { body: { version: champion, share: 0.5 } })
  assert.deepEqual([refused.status, refused.body.code], [409, 'wrong_stage'])
  const started = await run(['models', 'canary', 'start', tried, '--percent', '50', '--why', 'to see', ...remote])
  assert.equal(started.code, 0, started.err)
  const arms = new Map()
  const ids = []
  for (let number = 0; number < 120; number += 1) {
    const customer = `canary-${number % 40}`
    const { body } = await call(server, 'POST', '/v1/decide', { key: 'demo-decide', body: { customer, group: 'home' } })
    assert.ok(!arms.has(customer) || arms.get(customer) === body.arm, `${customer} changed sides`)
    arms.set(customer, body.arm)
    ids.push(body.decision_id)
  }
  const sides = [...arms.values()]
  assert.ok(sides.includes('canary') && sides.includes('champion'), `${sides}`)
  const report = (await call(server, 'GET', '/v1/models/canary')).body
  const counts = report.running.canary_counts.people + report.running.champion_counts.people
  assert.ok(counts > 0 && counts <= 40)
  assert.equal(report.running.compared.length, 2)
  const stopped = await call(server, 'POST', '/v1/models/canary/stop', { body: { why: 'seen' } })
  assert.deepEqual([stopped.status, stopped.body.version], [200, tried])
  assert.equal((await call(server, 'POST', '/v1/models/canary/stop')).status, 409)
  for (const id of ids) {
    const replayed = await call(server, 'GET', `/v1/decisions/${id}/replay`, { key: 'demo-read' })
    assert.equal(replayed.body.identical, true, id)
  }
  const { body: after } = await call(server, 'POST', '/v1/decide', { key: 'demo-decide', body: { customer: 'canary-1', group: 'home' } })
  assert.equal(after.arm, undefined)
  assert.equal((await card(tried)).canaries[0].canary_counts.people, sides.filter((side) => side === 'canary').length)
})

test('broken, truncated and foreign files are refused, and the champion serves on', async () => {
  const models = join(data.path, 'models')
  while (readdirSync(models).filter((name) => /^\d+$/.test(name)).length < 4) await trained()
  const champion = await serving()
  await server.stop()
  const others = readdirSync(models).filter((name) => /^\d+$/.test(name) && name !== champion).slice(-3)
  truncateSync(join(models, others[0], 'for_you.model'), 1_000)
  writeFileSync(join(models, others[1], 'also_viewed.model'), 'Dear diary')
  // A file of another kind, under a manifest that vouches for it.
  const [foreign, manifest] = [join(models, others[2], 'for_you.model'), join(models, others[2], 'manifest.json')]
  copyFileSync(join(models, others[2], 'repurchase.model'), foreign)
  const told = JSON.parse(readFileSync(manifest))
  told.files['for_you.model'] = told.files['repurchase.model']
  writeFileSync(manifest, JSON.stringify(told))
  server = await startDemo(data.path)
  remote[1] = server.url
  for (const version of others) {
    const promoted = await call(server, 'POST', `/v1/models/${version}/promote`)
    const tried = await call(server, 'POST', '/v1/models/canary', { body: { version, share: 0.5 } })
    for (const answer of [promoted, tried]) {
      assert.deepEqual([answer.status, answer.body.code], [409, 'model_unusable'], JSON.stringify(answer.body))
      assert.match(answer.body.detail, /previous champion keeps serving/)
    }
    assert.equal(await serving(), champion)
  }
  const { body } = await call(server, 'POST', '/v1/decide', { key: 'demo-decide', body: { customer: '15738', group: 'home' } })
  assert.ok(body.placements.some(({ items }) => items.length > 0))
})

test('alarms and figures stand in /metrics', async () => {
  assert.equal((await trained()).gate.passed, true)
  let metrics = ''
  for (let attempt = 0; attempt < 100 && !metrics.includes('mercer_model_alarm'); attempt += 1) {
    metrics = await (await fetch(`${server.url}/metrics`)).text()
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  for (const line of [/mercer_model_alarm\{alarm="drift"\} 0/, /mercer_trainings_total\{outcome="trained"\} [1-9]/, /mercer_champion_age_seconds \d/, /mercer_model_info\{version="\d{6}",arm="champion"\} 1/, /mercer_training_running 0/]) {
    assert.match(metrics, line)
  }
  const health = await run(['models', 'health', '--json', ...remote])
  assert.equal(health.code, 0, health.err)
  assert.deepEqual(JSON.parse(health.out).alarms, [])
})
