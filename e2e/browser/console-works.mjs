// What a shopkeeper can do: get in, watch what comes in, know a customer, change a placement, hand out keys.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expectText, openPage, tabTo, until } from '../support/page.mjs'
import { call, someProducts } from '../support/server.mjs'
import { expectNotice, openConsole, signIn } from './keeper.mjs'
import { row } from './shopper.mjs'

export function consoleWorks(world) {
  const track = (key, event, properties, anonymousId = 'console-visitor') =>
    call(world.server, 'POST', '/v1/track', { key: null, headers: { authorization: `Basic ${btoa(`${key}:`)}` }, body: { event, anonymousId, properties } })

  test('a wrong password is refused, and who is out stays out', async () => {
    const page = await openPage(world.browser, { baseURL: world.server.url })
    for (const path of ['/console/', '/console/customers', '/console/settings', '/console/placements/home-popular']) {
      await page.goto(path)
      assert.equal(new URL(page.url()).pathname, '/console/sign-in')
    }
    await signIn(page, 'not-the-password')
    await expectText(page.getByRole('alert'), 'do not fit together')
    await signIn(page)
    await page.waitForURL('**/console/')
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.waitForURL('**/console/sign-in')
    await page.goto('/console/')
    assert.equal(new URL(page.url()).pathname, '/console/sign-in')
    assert.deepEqual(page.complaints, [])
    await page.context().close()
  })

  test('an event appears while one watches', async () => {
    const page = await openConsole(world)
    await page.goto('/console/events')
    await expectText(page.locator('[data-live-state]'), 'Live')
    const [{ id, title }] = await someProducts(world.server, 1)
    await track('demo-write', 'Product Viewed', { product_id: id }, 'a-live-visitor')
    const fresh = page.locator('tr.is-new', { hasText: 'a-live-visitor' })
    await fresh.waitFor()
    await expectText(fresh, title)
    await page.getByRole('button', { name: 'Pause' }).click()
    await expectText(page.locator('[data-live-state]'), 'Paused')
    await fresh.getByRole('link').click()
    await expectText(page.locator('h1'), 'a-live-visitor')
    assert.deepEqual(page.complaints, [])
    await page.context().close()
  })

  test('every figure of the overview leads to its events', async () => {
    const page = await openConsole(world)
    await page.goto('/console/')
    const links = await page.locator('.figures a').evaluateAll((all) => all.map((link) => link.getAttribute('href')))
    assert.ok(links.length >= 6)
    for (const link of new Set(links)) {
      await page.goto(link)
      await page.locator('h1', { hasText: 'Events' }).waitFor()
    }
    await page.context().close()
  })

  test('a bad row tells its reason, and can be read again', async () => {
    await call(world.server, 'POST', '/v1/batch', { key: 'demo-write', body: { batch: [{ type: 'track', anonymousId: 'the-bad-row' }] } })
    const page = await openConsole(world)
    await page.goto('/console/bad-rows')
    const bad = page.locator('.bad-row').first()
    await bad.getByText('What was sent').click()
    await expectText(bad.locator('pre'), 'the-bad-row')
    await bad.getByRole('button', { name: 'Read again' }).click()
    await expectNotice(page, 'It is still bad')
    await page.context().close()
  })

  test('a customer: found, understood, and the shop through their eyes', async () => {
    const page = await openConsole(world)
    await page.goto('/console/customers')
    await page.getByRole('searchbox').fill('15738')
    await page.getByRole('button', { name: 'Find' }).click()
    await page.getByRole('link', { name: '15738', exact: true }).click()
    assert.ok(await page.locator('#timeline ~ .scroll tbody tr').count() > 10)
    await expectText(page.locator('#likes ~ table').first(), 'Bunting')
    const lastSeen = async () => (await call(world.server, 'GET', '/v1/customers/15738', { key: 'demo-read' })).body.profile.last_seen_at
    const before = await lastSeen()
    await page.getByRole('button', { name: 'View the shop as this customer' }).click()
    await expectText(page.locator('h1'), 'as 15738 sees it')
    await expectText(page.locator('.reason', { hasText: /you bought/i }).first(), 'ou bought')
    const token = await page.getByLabel('Token').inputValue()
    const shop = await openPage(world.browser, { baseURL: world.server.url })
    await shop.goto(`/view-as?token=${encodeURIComponent(token)}`)
    await expectText(shop.locator('.viewed-as'), 'as a customer would')
    const forThem = await row(shop, 'home-for-you')
    assert.ok(forThem.reasons.some((text) => /^(Because y|Y)ou bought/.test(text)), forThem.reasons.join('; '))
    await shop.locator('[data-mercer-product] a').first().click()
    await shop.waitForURL('**/p/*')
    await shop.getByRole('button', { name: 'Be yourself again' }).click()
    await expectText(shop.locator('.notice'), 'yourself again')
    assert.equal(await lastSeen(), before, 'the customer’s story has not changed')
    await shop.context().close()
    await page.context().close()
  })

  test('the catalog: found by words, with what goes with a product', async () => {
    const page = await openConsole(world)
    await page.goto('/console/catalog')
    await page.getByRole('searchbox').fill('bunting')
    await page.getByRole('button', { name: 'Show' }).click()
    await page.locator('table.products tbody a').first().click()
    await expectText(page.locator('h1'), 'Bunting')
    await expectText(page.locator('main'), 'Bought together')
    assert.ok(await page.locator('.cards li').count() >= 8)
    await page.context().close()
  })

  test('a placement: previewed while typing, saved, and obeyed by the shop', async () => {
    const { body: { placements } } = await call(world.server, 'GET', '/v1/placements')
    const original = placements.find(({ id }) => id === 'home-popular')
    const pinned = (await call(world.server, 'GET', '/v1/products?sort=price_down&limit=3', { key: 'demo-decide' })).body.products[2].id
    const page = await openConsole(world)
    await page.goto('/console/placements')
    await page.getByRole('link', { name: original.title, exact: true }).click()
    const items = page.locator('[data-preview] .tiles > li')
    assert.equal(await items.count(), original.size)
    await expectText(items.first().locator('.reason').first(), 'Popular now')
    await page.locator('[data-preview] summary').click()
    await expectText(page.locator('[data-preview] table'), 'Ranked lower')
    await page.getByLabel('Items', { exact: true }).fill('3')
    await until('three items', () => items.count(), (count) => count === 3)
    const pin = page.getByRole('group', { name: 'Pin 1' })
    await pin.getByLabel('Product id').fill(pinned)
    await pin.getByLabel('Place').fill('1')
    await expectText(items.first(), 'Pinned')
    await page.getByRole('button', { name: 'Save' }).click()
    await expectNotice(page, 'Saved')
    try {
      const shop = await openPage(world.browser, { baseURL: world.server.url })
      await shop.goto('/')
      const { products, reasons } = await row(shop, 'home-popular')
      assert.equal(products.length, 3)
      assert.equal(products[0], pinned)
      assert.equal(reasons[0], 'Picked by the shop')
      await shop.context().close()
    } finally {
      await call(world.server, 'PUT', '/v1/placements/home-popular', { body: original })
    }
    assert.deepEqual(page.complaints, [])
    await page.context().close()
  })

  test('a fault in a placement is named where it stands, and nothing is lost', async () => {
    const page = await openConsole(world)
    await page.goto('/console/placements/home-popular')
    await page.getByLabel('Filter').fill('product.prize < 20.0')
    await page.getByLabel('Title', { exact: true }).fill('Changed')
    await page.getByRole('button', { name: 'Save' }).click()
    await expectText(page.locator('#filter-fault'), 'price')
    assert.equal(await page.getByLabel('Title', { exact: true }).inputValue(), 'Changed')
    await page.context().close()
  })

  test('models show how good they are, and which one serves', async () => {
    const page = await openConsole(world)
    await page.goto('/console/models')
    await expectText(page.locator('.badge').first(), 'serves')
    await page.getByRole('link', { name: 'Version 000001' }).click()
    await expectText(page.locator('h1'), 'serves')
    await expectText(page.getByRole('region', { name: 'Checks of version 000001' }), 'Next order: recall at 20')
    const best = page.locator('.metrics').first().locator('tbody tr').first()
    const [recall] = await best.locator('td').allTextContents()
    assert.ok(parseFloat(recall) > 10, `the best way finds a tenth of the next order at least: ${recall}`)
    await page.getByText('All metrics').first().click()
    await expectText(page.getByRole('row', { name: 'held_out_orders' }).first(), /\d/)
    await page.context().close()
  })

  test('a key: made, used, revoked, refused', async () => {
    const page = await openConsole(world)
    await page.goto('/console/settings')
    await page.getByLabel('Name').fill('till')
    await page.getByRole('button', { name: 'Make the key' }).click()
    const secret = await page.getByLabel('Key', { exact: true }).inputValue()
    assert.equal((await track(secret, 'Product Viewed', { product_id: '22423' })).status, 200)
    await page.goto('/console/settings')
    assert.ok(!(await page.content()).includes(secret), 'shown once')
    const line = page.getByRole('row', { name: 'till' })
    await line.getByText('Revoke').first().click()
    await line.getByRole('button', { name: 'Yes, revoke till' }).click()
    await expectNotice(page, 'The key till is revoked')
    assert.equal((await track(secret, 'Product Viewed', { product_id: '22423' })).status, 401)
    await page.context().close()
  })

  test('shortcuts: g and a letter, slash, and the palette', async () => {
    const page = await openConsole(world)
    await page.goto('/console/')
    await page.keyboard.press('g')
    await page.keyboard.press('c')
    await page.waitForURL('**/console/customers')
    await page.keyboard.press('/')
    assert.ok(await page.getByRole('searchbox').evaluate((box) => box === document.activeElement))
    await page.keyboard.press('Control+k')
    await page.keyboard.type('placem')
    await page.keyboard.press('Enter')
    await page.waitForURL('**/console/placements')
    await page.context().close()
  })

  test('the way from the door to a saved placement needs no mouse', async () => {
    const page = await openPage(world.browser, { baseURL: world.server.url })
    await page.goto('/console/sign-in')
    // The browser moves the focus there a moment after the page is loaded.
    const hasFocus = () => page.getByLabel('Name').evaluate((box) => box === document.activeElement)
    await until('the focus in the first field', hasFocus, Boolean)
    await page.keyboard.type('demo')
    await tabTo(page, page.getByLabel('Password'))
    await page.keyboard.type('demo-demo-demo')
    await page.keyboard.press('Enter')
    await page.waitForURL('**/console/')
    await page.keyboard.press('Tab')
    assert.ok(await page.getByRole('link', { name: 'Skip to the content' }).evaluate((link) => link === document.activeElement))
    await tabTo(page, page.getByRole('link', { name: 'Placements', exact: true }))
    await page.keyboard.press('Enter')
    await page.waitForURL('**/console/placements')
    await tabTo(page, page.getByRole('link', { name: 'Trending now', exact: true }))
    await page.keyboard.press('Enter')
    await page.waitForURL('**/console/placements/home-trending')
    await tabTo(page, page.getByRole('button', { name: 'Save' }))
    await page.keyboard.press('Enter')
    await expectNotice(page, 'Saved')
    await page.context().close()
  })

  test('the console works without JavaScript', async () => {
    const page = await openConsole(world, { javaScriptEnabled: false })
    await page.goto('/console/placements/home-new')
    await page.getByLabel('Items', { exact: true }).fill('2')
    await page.getByRole('button', { name: 'Preview' }).click()
    await until('two items', () => page.locator('[data-preview] .tiles > li').count(), (count) => count === 2)
    await page.goto('/console/events')
    assert.ok(await page.locator('table.events tbody tr').count() > 10)
    await page.context().close()
  })
}
