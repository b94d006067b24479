// A product, a customer and a search that try to become script. The content security policy is switched off here, so
// that nothing but the escaping stands between the text and the page.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { servePages } from '../support/browser.mjs'
import { openPage, until } from '../support/page.mjs'
import { call } from '../support/server.mjs'
import { openConsole } from './keeper.mjs'
import { row } from './shopper.mjs'

/** Runs where markup is made of it: as an element, out of an attribute, out of a script, out of a template. */
const HOSTILE = '</title><script>alert("script")</script>"\'><img src=x onerror=alert("image")><svg onload=alert("svg")>{{7*7}}${alert(1)}'
const ADDRESS = 'javascript:alert("address")'
const CUSTOMER = '"><img src=x onerror=alert("customer")>'
const PRODUCT = 'hostile"><img src=x onerror=alert(1)>'

export function hostileText(world) {
  let site
  before(async () => {
    const { server } = world
    const product = {
      id: PRODUCT, title: HOSTILE, description: HOSTILE, brand: HOSTILE, category: [HOSTILE, `${HOSTILE} below`],
      price: { minor: 100, currency: 'GBP' }, url: ADDRESS, image_url: ADDRESS, group_id: HOSTILE,
      attributes: { [HOSTILE]: HOSTILE, colour: ADDRESS },
    }
    assert.equal((await call(server, 'POST', '/v1/products', { body: [product] })).body.changed, 1)
    const send = (event) => ({ anonymousId: `device ${CUSTOMER}`, userId: CUSTOMER, ...event })
    const batch = [
      send({ type: 'identify', traits: { name: HOSTILE, [HOSTILE]: HOSTILE, email: ADDRESS } }),
      send({ type: 'track', event: 'Product Viewed', properties: { product_id: PRODUCT, name: HOSTILE } }),
      send({ type: 'track', event: 'Products Searched', properties: { query: HOSTILE } }),
      send({ type: 'track', event: HOSTILE, properties: {} }),
      send({ type: 'page', name: HOSTILE }),
      { type: 'track', anonymousId: HOSTILE, [HOSTILE]: HOSTILE },
    ]
    const sent = await call(server, 'POST', '/v1/batch', { key: 'demo-write', body: { batch } })
    assert.equal(sent.body.rejected, 1, 'one of them is a bad row')
    const placement = {
      id: 'hostile', title: HOSTILE, groups: ['home', 'product', HOSTILE], size: 2, sources: [{ kind: 'newest', weight: 1 }],
      boosts: [{ label: HOSTILE, when: 'true', factor: 2 }], pins: [{ product_id: PRODUCT, position: 1 }],
    }
    assert.equal((await call(server, 'PUT', '/v1/placements/hostile', { body: placement })).status, 200)
    const slot = (template) => `<!doctype html><html lang="en"><head><title>Shop</title><link rel="icon" href="data:,">
      <script type="module" src="${server.url}/sdk/start.js?key=demo-write&amp;decide_key=demo-decide&amp;consent=granted"></script>
      </head><body><mercer-slot placement="hostile" loading="eager">${template}</mercer-slot></body></html>`
    site = await servePages({
      '/built-in': slot(''),
      '/template': slot(`<template><a data-mercer-href="url"><img data-mercer-src="image_url" data-mercer-alt="title">
        <b data-mercer-text="title"></b> <i data-mercer-text="attributes.colour"></i></a>
        <script data-mercer-text="title"></script><iframe data-mercer-src="url"></iframe>
        <button data-mercer-why>Why?</button></template>`),
    })
  })
  after(async () => {
    await site?.stop()
    await call(world.server, 'DELETE', '/v1/placements/hostile')
    await call(world.server, 'DELETE', `/v1/products/${encodeURIComponent(PRODUCT)}`)
  })

  /** Nothing of the text has become part of the page's machinery, and nothing ran. */
  async function isHarmless(page, name) {
    const found = await page.evaluate(() => [...document.querySelectorAll('*')].flatMap((element) => [
      ...[...element.attributes].filter(({ name, value }) => name.startsWith('on') || /^\s*javascript:/i.test(value) && ['href', 'src', 'action', 'formaction'].includes(name)),
    ].map(({ name, value }) => `<${element.localName} ${name}="${value}">`)))
    assert.deepEqual(found, [], `${name}: elements that could run`)
    assert.ok(!(await page.content()).includes('<script>alert'), `${name}: a script element`)
    assert.deepEqual(page.complaints.filter((text) => !text.startsWith('404')), [], `${name}: complaints`)
  }

  test('on the storefront', async () => {
    const page = await openPage(world.browser, { baseURL: world.server.url, bypassCSP: true })
    const product = `/p/${encodeURIComponent(PRODUCT)}`
    await page.goto(product)
    assert.equal(await page.locator('h1').textContent(), HOSTILE, 'the text is shown as it is')
    await isHarmless(page, 'product')
    await page.getByRole('button', { name: 'Put it in the basket' }).click()
    await page.waitForURL('**/cart')
    await isHarmless(page, 'basket')
    await page.getByRole('button', { name: 'Place the pretend order' }).click()
    await page.waitForURL('**/order')
    await isHarmless(page, 'order')
    await page.goto('/')
    assert.equal((await row(page, 'hostile')).products[0], PRODUCT)
    const tile = page.locator('mercer-slot[placement=hostile] .tile').first()
    await tile.locator('summary').click()
    await isHarmless(page, 'home')
    await tile.getByRole('button', { name: 'Not for me' }).click()
    await until('the tile is gone', () => page.locator('mercer-slot[placement=hostile] .tile').count(), (count) => count < 2)
    await isHarmless(page, 'home after a dismissal')
    for (const [name, path] of [
      ['search', `/search?q=${encodeURIComponent(HOSTILE)}`],
      ['search by address', `/search?q=${encodeURIComponent(ADDRESS)}`],
      ['what Mercer knows', '/me'],
      ['unknown product', `/p/${encodeURIComponent(`${HOSTILE} no`)}`],
      ['unknown department', `/c/${encodeURIComponent(HOSTILE)}`],
      ['sort', `/c/garden?sort=${encodeURIComponent(HOSTILE)}`],
      ['token', `/view-as?token=${encodeURIComponent('"><script>alert(1)</script>')}`],
    ]) {
      await page.goto(path)
      await isHarmless(page, name)
    }
    await page.context().close()
  })

  test('in the console', async () => {
    const page = await openConsole(world, { bypassCSP: true })
    const customer = `/console/customers/${encodeURIComponent(CUSTOMER)}`
    for (const [name, path] of [
      ['overview', '/console/'],
      ['events', '/console/events'],
      ['customers', '/console/customers'],
      ['customers by text', `/console/customers?q=${encodeURIComponent(HOSTILE)}`],
      ['customer', customer],
      ['catalog', '/console/catalog?sort=newest'],
      ['catalog by text', `/console/catalog?q=${encodeURIComponent(HOSTILE)}&category=${encodeURIComponent(HOSTILE)}`],
      ['product', `/console/catalog/${encodeURIComponent(PRODUCT)}`],
      ['placements', '/console/placements'],
      ['placement', '/console/placements/hostile'],
      ['bad rows', '/console/bad-rows'],
      ['unknown customer', `/console/customers/${encodeURIComponent(HOSTILE)}`],
      ['unknown placement', `/console/placements/${encodeURIComponent(HOSTILE)}`],
    ]) {
      await page.goto(path)
      await isHarmless(page, name)
    }
    await page.goto(customer)
    assert.equal(await page.locator('h1').textContent(), HOSTILE)
    await page.getByRole('button', { name: 'View the shop as this customer' }).click()
    await page.waitForURL('**/view-as')
    await isHarmless(page, 'view as')
    await page.context().close()
  })

  test('in the console’s live parts', async () => {
    const page = await openConsole(world, { bypassCSP: true })
    await page.goto('/console/events')
    await until('the live stream', () => page.locator('[data-live-state].is-on').count())
    await call(world.server, 'POST', '/v1/batch', { key: 'demo-write', body: { batch: [{ type: 'track', event: 'Products Searched', userId: CUSTOMER, properties: { query: `live ${HOSTILE}` } }] } })
    await page.locator('tr.is-new', { hasText: 'live </title>' }).waitFor()
    await isHarmless(page, 'live events')
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox').fill(HOSTILE)
    await isHarmless(page, 'palette')
    await page.keyboard.press('Escape')
    await page.goto('/console/placements/hostile')
    await page.getByLabel('Title', { exact: true }).fill(`typed ${HOSTILE}`)
    await until('the preview', () => page.locator('.decided h3').textContent(), (text) => text.includes('typed'))
    await isHarmless(page, 'live preview')
    await page.context().close()
  })

  for (const template of ['built-in', 'template']) {
    test(`in a slot with a ${template} tile`, async () => {
      const page = await openPage(world.browser, { baseURL: site.url })
      await page.goto(`/${template}`)
      await page.locator('mercer-slot[state=decided]').waitFor()
      const tile = page.locator(`[data-mercer-product]`).first()
      assert.equal(await tile.getAttribute('data-mercer-product'), PRODUCT)
      await tile.locator('[data-mercer-why]').click()
      await isHarmless(page, template)
      assert.equal(await tile.locator('a').getAttribute('href'), null, 'no address that could run')
      await tile.locator('a').dispatchEvent('click')
      await isHarmless(page, `${template}, clicked`)
      await page.context().close()
    })
  }
}
