// The stock clients, unchanged, against the real server: what they send must shape a profile.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { after, before, test } from 'node:test'
import { openBrowser, servePages } from './support/browser.mjs'
import { call, folder, profileOnce, someProducts, startDemo } from './support/server.mjs'

let data, server, product
before(async () => {
  data = await folder()
  server = await startDemo(data.path)
  ;[{ id: product }] = await someProducts(server, 1)
})
after(async () => {
  await server?.stop()
  await data?.drop()
})

const sawProduct = (profile) => profile.touches.some((touch) => touch.product_id === product && touch.kind === 'viewed')

test('@segment/analytics-node', async () => {
  const { Analytics } = await import('@segment/analytics-node')
  const failures = []
  const analytics = new Analytics({ writeKey: 'demo-write', host: server.url, flushAt: 2 })
  analytics.on('error', (error) => failures.push(error))
  analytics.identify({ userId: 'segment-node', traits: { plan: 'gold' } })
  analytics.track({ userId: 'segment-node', event: 'Product Viewed', properties: { product_id: product } })
  await analytics.closeAndFlush({ timeout: 5_000 })
  assert.deepEqual(failures, [])
  const profile = await profileOnce(server, 'segment-node', sawProduct)
  assert.equal(profile.traits.plan, 'gold')
})

test('@rudderstack/rudder-sdk-node, gzip', async () => {
  const { default: Rudder } = await import('@rudderstack/rudder-sdk-node')
  const client = new Rudder('demo-write', { dataPlaneUrl: server.url, gzip: true, flushAt: 1 })
  client.track({ userId: 'rudder-node', event: 'Product Viewed', properties: { product_id: product } })
  await new Promise((resolve, reject) => client.flush((error) => (error ? reject(error) : resolve())))
  await profileOnce(server, 'rudder-node', sawProduct)
})

for (const library of ['segment', 'analytics']) {
  test(`Python ${library}`, async () => {
    const customer = `python-${library}`
    const child = spawn('.venv/bin/python', ['trackers.py', library, server.url, 'demo-write', customer, product], { stdio: ['ignore', 'inherit', 'inherit'] })
    assert.equal(await new Promise((resolve) => child.once('exit', resolve)), 0)
    const profile = await profileOnce(server, customer, sawProduct)
    assert.equal(profile.traits.email, `${customer}@shop.example`)
  })
}

test('GA4 Measurement Protocol, and its validator', async () => {
  const body = {
    client_id: 'ga4.visitor',
    user_id: 'ga4-customer',
    events: [{ name: 'view_item', params: { currency: 'GBP', items: [{ item_id: product, price: 2.5 }] } }],
  }
  const send = (path) => fetch(`${server.url}${path}?api_secret=demo-write&measurement_id=G-1`, { method: 'POST', body: JSON.stringify(body) })
  assert.deepEqual((await (await send('/debug/mp/collect')).json()).validationMessages, [])
  assert.equal((await send('/mp/collect')).ok, true)
  await profileOnce(server, 'ga4-customer', sawProduct)
})

/** Runs a page of another origin in Chromium and waits until it says it is done. */
async function inBrowser(pages) {
  const site = await servePages(pages)
  const browser = await openBrowser()
  try {
    const page = await browser.newPage()
    const complaints = []
    page.on('pageerror', (error) => complaints.push(String(error)))
    await page.goto(site.url + '/')
    await page.waitForFunction(() => globalThis.done === true, undefined, { timeout: 20_000 })
    assert.deepEqual(complaints, [])
  } finally {
    await browser.close()
    await site.stop()
  }
}

const file = (path) => new URL(`./node_modules/${path}`, import.meta.url)

test('@segment/analytics-next in Chromium', async () => {
  await inBrowser({
    '/': `<script src="/umd/standalone.js"></script><script type="module">
      const analytics = globalThis.AnalyticsNext.AnalyticsBrowser.load(
        { writeKey: 'demo-write', cdnURL: '${server.url}' }, { obfuscate: false })
      await analytics.identify('segment-browser', { city: 'Leeds' })
      await analytics.track('Product Viewed', { product_id: '${product}' })
      globalThis.done = true
    </script>`.replace('standalone.js', 'index.js'),
    '/umd/*': file('@segment/analytics-next/dist/umd/'),
  })
  const profile = await profileOnce(server, 'segment-browser', sawProduct)
  assert.equal(profile.traits.city, 'Leeds')
  assert.equal(profile.anonymous_ids.length, 1)
})

test('@rudderstack/analytics-js in Chromium', async () => {
  await inBrowser({
    '/': `<script type="module">
      import { RudderAnalytics } from '/rudder/index.mjs'
      const analytics = new RudderAnalytics()
      analytics.load('demo-write', '${server.url}', { configUrl: '${server.url}', loadIntegration: false })
      analytics.ready(() => {})
      analytics.identify('rudder-browser', { city: 'York' })
      analytics.track('Product Viewed', { product_id: '${product}' }, () => { globalThis.done = true })
      setTimeout(() => { globalThis.done = true }, 8000)
    </script>`,
    '/rudder/*': file('@rudderstack/analytics-js/dist/npm/modern/bundled/esm/'),
  })
  await profileOnce(server, 'rudder-browser', sawProduct)
})

test('@jitsu/js in Chromium', async () => {
  await inBrowser({
    '/': `<script type="module">
      import { jitsuAnalytics } from '/jitsu/jitsu.es.js'
      const jitsu = jitsuAnalytics({ host: '${server.url}', writeKey: 'demo-write:demo' })
      await jitsu.identify('jitsu-browser', { city: 'Hull' })
      await jitsu.track('Product Viewed', { product_id: '${product}' })
      globalThis.done = true
    </script>`,
    '/jitsu/*': file('@jitsu/js/dist/'),
  })
  await profileOnce(server, 'jitsu-browser', sawProduct)
})

test('an event sent twice counts once, and a bad one is kept with its reason', async () => {
  const event = { type: 'track', event: 'Product Viewed', messageId: 'twice', userId: 'careful', properties: { product_id: product } }
  const bad = { type: 'track', event: 'Product Viewed', messageId: 'bad', userId: 'careful', properties: { product_id: product, quantity: -3 } }
  const send = () => call(server, 'POST', '/v1/batch', { key: 'demo-write', body: { batch: [event, bad] } })
  const first = await send()
  assert.deepEqual(first.body.verdicts.map((verdict) => verdict.status), ['accepted', 'rejected'])
  assert.match(first.body.verdicts[1].field, /quantity/)
  assert.equal((await send()).body.verdicts[0].status, 'duplicate')
  const profile = await profileOnce(server, 'careful', sawProduct)
  assert.equal(profile.counts.viewed, 1)
  const { body } = await call(server, 'GET', '/v1/bad-rows')
  assert.ok(body.bad_rows.some(({ row }) => row.field?.includes('quantity')))
})
