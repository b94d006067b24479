// The web SDK as a shop uses it: on a page of another origin, with slots that Mercer fills.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { servePages } from '../support/browser.mjs'
import { axeIsContent, expectText, look, nothingSticksOut, openPage, scrollThrough, until } from '../support/page.mjs'
import { profileOnce, someProducts } from '../support/server.mjs'
import { openConsole } from './keeper.mjs'

const MOST_SHIFT = 0.02

export function slots(world) {
  let site
  before(async () => {
    const { url } = world.server
    site = await servePages({
      '/': page(url, 'consent=granted', '<mercer-slot placement="home-trending" height="320"><p>Our classics</p></mercer-slot>'),
      '/two': page(url, 'consent=granted', `
        <mercer-slot placement="home-trending" height="420"></mercer-slot>
        <div class="tall"></div>
        <mercer-slot placement="home-popular" height="420"></mercer-slot>`),
      '/below': page(url, 'consent=granted', '<div class="tall"></div><mercer-slot placement="home-popular" height="320"><p>Our classics</p></mercer-slot>'),
      '/unasked': page(url, '', '<mercer-slot placement="home-trending" height="320"></mercer-slot>'),
      '/refused': page(url, 'consent=denied', '<mercer-slot placement="home-trending" height="320"></mercer-slot>'),
    })
  })
  after(() => site?.stop())

  const visit = async (path, options = {}, prepare = () => {}) => {
    const page = await openPage(world.browser, { baseURL: site.url, ...options })
    page.sent = []
    page.asked = []
    page.on('request', (request) => {
      if (request.url().includes('/v1/batch')) page.sent.push(...JSON.parse(request.postData()).batch)
      if (request.url().endsWith('/v1/decide') && request.method() === 'POST') page.asked.push(request.postDataJSON())
    })
    // The demo's pictures have addresses in the shop; here they are lent to the page.
    await page.route(`${site.url}/shop/tile/*`, async (route) => {
      const response = await fetch(world.server.url + new URL(route.request().url()).pathname)
      await route.fulfill({ status: response.status, contentType: 'image/svg+xml', body: await response.text() })
    })
    await prepare(page)
    await page.goto(path)
    return page
  }
  const decided = (page) => page.locator('mercer-slot[state=decided]').first().waitFor()
  const shift = (page) => page.evaluate(() => window.shifts.shift)

  for (const device of ['desktop', 'phone']) {
    test(`slots are filled and nothing moves, on a ${device}`, async (t) => {
      const page = await visit('/two', { device })
      await decided(page)
      assert.ok(await page.locator('mercer-slot').first().locator('.mercer-tile').count() >= 6)
      assert.ok(await page.getByRole('heading', { name: 'Trending now' }).isVisible())
      await look(page, 'slots', { t })
      assert.equal(await page.locator('mercer-slot[state=decided]').count(), 2)
      assert.equal(page.asked.length, 1, 'one call fills both')
      await page.context().close()
    })
  }

  test('what was seen and what was clicked become events', async () => {
    const page = await visit('/')
    await decided(page)
    const seen = await until('an impression', () => page.sent.find(({ event }) => event === 'Recommendation Viewed'))
    assert.equal(seen.properties.placement, 'home-trending')
    assert.ok(seen.properties.product_ids.length >= 2 && seen.properties.decision_id)
    const anonymous = await page.evaluate(() => window.mercer.anonymousId())
    const tile = page.locator('.mercer-tile').first()
    const title = await tile.getAttribute('data-mercer-title')
    await page.evaluate(() => document.addEventListener('click', (event) => event.preventDefault()))
    await tile.locator('a').click()
    await page.evaluate(() => window.mercer.flush())
    const shopkeeper = await openConsole(world)
    await until('both in the timeline', async () => {
      await shopkeeper.goto(`/console/customers/${anonymous}`)
      const text = await shopkeeper.locator('#timeline ~ .scroll').textContent()
      return text.includes('Recommendations seen') && text.includes('Recommendation clicked')
    })
    const rows = shopkeeper.locator('#timeline ~ .scroll tr', { hasText: 'Recommendation clicked' })
    await expectText(rows.first(), title)
    await shopkeeper.context().close()
    await page.context().close()
  })

  test('a visitor can ask why, and send a product away', async () => {
    const page = await visit('/')
    await decided(page)
    const tile = page.locator('.mercer-tile').first()
    const product = await tile.getAttribute('data-mercer-product')
    await tile.getByRole('button', { name: 'Why this?' }).click()
    assert.ok((await tile.locator('[data-mercer-reasons] li').first().textContent()).length > 5)
    assert.ok(await tile.locator('[data-mercer-reasons]').isVisible())
    await axeIsContent(page, 'open reasons')
    await tile.getByRole('button', { name: 'Not for me' }).click()
    const gone = page.locator(`[data-mercer-product="${product}"]`)
    await until('the tile is gone', () => gone.count(), (count) => count === 0)
    const anonymous = await page.evaluate(() => window.mercer.anonymousId())
    await profileOnce(world.server, anonymous, (profile) => profile.dismissed.includes(product))
    await page.reload()
    await decided(page)
    assert.equal(await gone.count(), 0)
    await page.context().close()
  })

  test('a late answer is not waited for, and does not replace the default', async () => {
    let answer
    const page = await visit('/', {}, (page) => page.route('**/v1/decide', async (route) => {
      if (route.request().method() !== 'POST') return route.continue()
      const response = await route.fetch()
      await new Promise((resolve) => { answer = resolve })
      await route.fulfill({ response }).catch(() => {})
    }))
    await page.locator('mercer-slot[state=default]').waitFor({ timeout: 3_000 })
    assert.ok(await page.getByText('Our classics').isVisible())
    answer()
    await scrollThrough(page)
    assert.ok(await page.getByText('Our classics').isVisible())
    assert.equal(await page.locator('.mercer-tile').count(), 0)
    assert.ok(await shift(page) <= MOST_SHIFT)
    await page.context().close()
  })

  test('a server that is down leaves the default, and the page whole', async () => {
    const page = await visit('/', {}, (page) => page.route('**/v1/decide', (route) => route.abort('connectionrefused')))
    await page.locator('mercer-slot[state=default]').waitFor()
    assert.ok(await page.getByText('Our classics').isVisible())
    assert.ok(await shift(page) <= MOST_SHIFT)
    assert.deepEqual(page.complaints.filter((text) => text.startsWith('uncaught')), [])
    await page.context().close()
  })

  test('a script that never comes leaves the default', async () => {
    const page = await visit('/', {}, (page) => page.route('**/sdk/start.js*', (route) => route.abort()))
    await until('the default', () => page.getByText('Our classics').isVisible())
    await page.context().close()
  })

  test('what is far below is asked for when it comes near', async () => {
    const page = await visit('/below')
    await page.waitForFunction(() => window.mercer)
    await until('the page event', () => page.sent.length)
    assert.equal(page.asked.length, 0, 'nobody has scrolled')
    await scrollThrough(page)
    await decided(page)
    assert.equal(page.asked.length, 1)
    assert.ok(await shift(page) <= MOST_SHIFT)
    await nothingSticksOut(page, 'a slot below')
    await page.context().close()
  })

  for (const path of ['/unasked', '/refused']) {
    test(`without consent nothing is sent or kept: ${path}`, async () => {
      const page = await visit(path)
      await decided(page)
      await page.locator('.mercer-tile').first().hover()
      await page.evaluate(() => {
        window.mercer.track('Product Viewed', { product_id: 'x' })
        return window.mercer.flush()
      })
      // Leaving the page is when a beacon would go.
      await page.goto('about:blank')
      assert.deepEqual(page.sent, [])
      const [{ customer, anonymous_id: anonymous, session, no_personalization: objects }] = page.asked
      assert.deepEqual([customer, anonymous, session, objects], [undefined, undefined, undefined, true])
      await page.goto(path)
      const kept = await page.evaluate(() => [document.cookie, ...Object.keys(localStorage)])
      assert.deepEqual(kept, [''])
      await page.context().close()
    })
  }

  test('consent sends what waited, with its own time', async () => {
    const page = await visit('/unasked')
    await decided(page)
    const [{ id: product }] = await someProducts(world.server, 1)
    await page.evaluate((product) => window.mercer.track('Product Viewed', { product_id: product }), product)
    assert.deepEqual(page.sent, [])
    await page.evaluate(() => window.mercer.consent.set({ analytics: true, personalization: true }))
    const anonymous = await page.evaluate(() => window.mercer.anonymousId())
    await profileOnce(world.server, anonymous, (profile) => profile.touches.some(({ product_id: id }) => id === product))
    await page.context().close()
  })

  test('Global Privacy Control is obeyed whatever was agreed to', async () => {
    const page = await visit('/', {}, (page) => page.addInitScript(() => {
      Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', { get: () => true })
    }))
    await decided(page)
    assert.equal(page.asked[0].no_personalization, true)
    const [event] = await until('the page event', () => page.sent, (sent) => sent.length)
    assert.deepEqual(event.context.consent, { personalization: false, gpc: true })
    const anonymous = await page.evaluate(() => window.mercer.anonymousId())
    await profileOnce(world.server, anonymous, (profile) => profile.consent?.gpc === true)
    await page.context().close()
  })

  test('what happens offline is sent when the network is back, with nothing lost', async () => {
    const page = await visit('/')
    await decided(page)
    const anonymous = await page.evaluate(() => window.mercer.anonymousId())
    const products = (await someProducts(world.server, 3)).map(({ id }) => id)
    await page.context().setOffline(true)
    await page.evaluate(async (products) => {
      for (const product of products) window.mercer.track('Product Viewed', { product_id: product })
      await window.mercer.flush()
    }, products)
    const waiting = () => page.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith('mercer.event.')).length)
    assert.ok(await waiting() >= 3)
    await page.context().setOffline(false)
    await profileOnce(world.server, anonymous, (profile) => products.every((product) => profile.touches.some(({ product_id: id }) => id === product)))
    await until('an empty queue', waiting, (count) => count === 0)
    await page.context().close()
  })

  /** A shop's page with Mercer's one script tag. */
  function page(mercer, settings, content) {
    return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Another shop</title>
      <meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
      <meta name="mercer-page" content='{"type":"home"}'>
      <link rel="stylesheet" href="${mercer}/sdk/mercer.css">
      <style>body { font: 1rem/1.5 sans-serif; margin: 1rem } .tall { height: 3000px }</style>
      <script type="module" src="${mercer}/sdk/start.js?key=demo-write&amp;decide_key=demo-decide&amp;${settings}"></script>
      </head><body><main><h1>Another shop</h1>${content}<p>What follows.</p></main></body></html>`
  }
}
