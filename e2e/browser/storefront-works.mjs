// What a shopper can do: every click counts at once, reasons are told, and the switch is obeyed.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expectText, openPage, tabTo, until } from '../support/page.mjs'
import { call, profileOnce } from '../support/server.mjs'
import { openConsole } from './keeper.mjs'
import { anonymousId, row, rows, signIn } from './shopper.mjs'

export function storefrontWorks(world) {
  /** A shopper whom nobody knows, and three products of one kind. */
  async function arrive(options = {}) {
    const page = await openPage(world.browser, { baseURL: world.server.url, ...options })
    const { body } = await call(world.server, 'GET', '/v1/products?category=Garden&limit=3', { key: 'demo-decide' })
    return { page, products: body.products }
  }

  test('what was looked at shapes the front page at once', async () => {
    const { page, products } = await arrive()
    await page.goto('/')
    const before = await rows(page)
    assert.ok(before.every(({ products }) => products.length), 'no empty row')
    assert.equal(await row(page, 'home-recently-viewed'), undefined, 'nothing was looked at')
    for (const { id } of products) await page.goto(`/p/${id}`)
    await page.goto('/')
    const seen = await row(page, 'home-recently-viewed')
    const forYou = await row(page, 'home-for-you')
    // A product stands once on a page: what “for you” shows, the row below leaves out.
    for (const { id } of products) assert.ok([...seen.products, ...forYou.products].includes(id), `${id} is on the page`)
    const because = forYou.reasons.filter((reason) => reason.startsWith('Because you looked at'))
    assert.ok(because.length >= 3, `reasons: ${forYou.reasons.join('; ')}`)
    assert.deepEqual(page.complaints, [])
    await page.context().close()
  })

  test('“not for me” takes a product away for good, and it can be taken back', async () => {
    const { page } = await arrive()
    await page.goto('/')
    const tile = page.locator('[data-mercer-product]').first()
    const product = await tile.getAttribute('data-mercer-product')
    const gone = page.locator(`[data-mercer-product="${product}"]`)
    const height = await page.locator('mercer-slot').first().evaluate((slot) => slot.offsetHeight)
    await tile.getByRole('button', { name: 'Not for me' }).click()
    await until('the tile is gone', () => gone.count(), (count) => count === 0)
    assert.equal(new URL(page.url()).pathname, '/', 'no page was loaded')
    assert.equal(await page.locator('mercer-slot').first().evaluate((slot) => slot.offsetHeight), height, 'nothing moved')
    await expectText(page.locator('mercer-slot [role=status]').first(), 'Removed')
    await profileOnce(world.server, await anonymousId(page), (profile) => profile.dismissed.includes(product))
    for (let visit = 0; visit < 2; visit += 1) {
      await page.reload()
      assert.equal(await gone.count(), 0, 'it stays away')
    }
    await page.goto('/me')
    await page.getByRole('button', { name: 'Show it again' }).click()
    await profileOnce(world.server, await anonymousId(page), (profile) => !profile.dismissed.includes(product))
    await page.context().close()
  })

  test('“why this?” tells a reason', async () => {
    const { page } = await arrive()
    await page.goto('/')
    const why = page.locator('.why').first()
    const reason = why.locator('li').first()
    assert.equal(await reason.isVisible(), false)
    await why.locator('summary').click()
    assert.ok(await reason.isVisible())
    assert.ok((await reason.textContent()).trim().length > 5)
    await page.context().close()
  })

  test('rows that the server has rendered report what was seen and clicked', async () => {
    const { page } = await arrive()
    const sent = []
    page.on('request', (request) => {
      if (request.url().includes('/v1/batch')) sent.push(...JSON.parse(request.postData()).batch)
    })
    await page.goto('/')
    const said = (event) => until(event, () => sent.find((one) => one.event === event))
    const seen = await said('Recommendation Viewed')
    const first = await row(page, 'home-for-you')
    assert.equal(seen.anonymousId, await anonymousId(page), 'page and server mean one visitor')
    assert.ok(seen.properties.product_ids.every((product) => first.products.includes(product)))
    await page.locator('[data-mercer-product] a').first().click()
    await page.waitForURL('**/p/*')
    // The click leaves the page, so it goes by beacon, which only the server sees.
    const shopkeeper = await openConsole(world)
    const visitor = await anonymousId(page)
    const clicked = await until('the click', async () => {
      await shopkeeper.goto(`/console/customers/${visitor}`)
      return shopkeeper.locator('#timeline ~ .scroll tr', { hasText: 'Recommendation clicked' }).allTextContents()
    }, (rows) => rows.length)
    assert.equal(clicked.length, 1)
    assert.ok(clicked[0].includes(await page.locator('h1').textContent()))
    await shopkeeper.context().close()
    await page.context().close()
  })

  test('from the basket to the order, and Mercer knows of it', async () => {
    const { page, products: [product] } = await arrive()
    await page.goto(`/p/${product.id}`)
    assert.ok((await row(page, 'product-bought-together')).products.length >= 1)
    assert.ok((await row(page, 'product-similar')).products.length >= 3)
    await page.getByLabel('Quantity').fill('3')
    await page.getByRole('button', { name: 'Put it in the basket' }).click()
    await page.waitForURL('**/cart')
    await expectText(page.locator('.pieces').first(), '3')
    const goesWith = await row(page, 'cart-goes-with')
    assert.ok(goesWith.products.length >= 3 && !goesWith.products.includes(product.id), 'others that go with it')
    await page.getByRole('button', { name: 'Place the pretend order' }).click()
    await page.waitForURL('**/order')
    await expectText(page.locator('main'), product.title)
    const profile = await profileOnce(world.server, await anonymousId(page), (profile) => profile.orders === 1)
    const bought = profile.touches.find(({ kind }) => kind === 'purchased')
    assert.deepEqual([bought.product_id, bought.quantity], [product.id, 3])
    assert.equal(profile.spend_minor.GBP, 3 * product.price.minor)
    await page.goto('/cart')
    await expectText(page.locator('main'), 'It is empty')
    assert.deepEqual(page.complaints, [])
    await page.context().close()
  })

  test('the panel tells what Mercer knows and what each click changes', async () => {
    const { page, products: [product] } = await arrive()
    await page.goto('/')
    const headline = page.locator('.knows-line')
    await page.goto(`/p/${product.id}`)
    const category = product.category.at(-1)
    await expectText(headline, `${category} 0% → 100%`)
    await page.locator('.knows summary').click()
    await expectText(page.locator('.knows'), `You looked at ${product.title}`)
    const { body } = await call(world.server, 'GET', '/v1/products?category=Party&limit=1', { key: 'demo-decide' })
    await page.goto(`/p/${body.products[0].id}`)
    await expectText(headline, '→')
    const bars = page.locator('#knows-interests ~ .bars li')
    assert.equal(await bars.count(), 2, 'both kinds are of interest now')
    await page.locator('.knows summary').click()
    await page.getByRole('link', { name: 'See it all, and take control' }).click()
    await expectText(page.locator('main'), 'Looked at')
    await expectText(page.locator('main'), '2 products')
    await page.context().close()
  })

  test('the switch makes the shop the same for everybody, and back', async () => {
    const { page, products } = await arrive()
    for (const { id } of products) await page.goto(`/p/${id}`)
    await page.goto('/me')
    await page.getByRole('button', { name: 'Switch personalization off' }).click()
    await page.goto('/')
    assert.equal(await row(page, 'home-recently-viewed'), undefined)
    const reasons = (await rows(page)).flatMap(({ reasons }) => reasons)
    assert.deepEqual(reasons.filter((reason) => /\byou\b/i.test(reason)), [], 'no reason speaks of the visitor')
    await expectText(page.locator('.knows-line'), 'Nothing here is personal')
    await profileOnce(world.server, await anonymousId(page), (profile) => profile.consent?.personalization === false)
    await page.goto('/me')
    await page.getByRole('button', { name: 'Switch personalization on' }).click()
    await page.goto('/')
    assert.ok(await row(page, 'home-recently-viewed'))
    await page.context().close()
  })

  test('Global Privacy Control switches it off', async () => {
    const { page, products: [product] } = await arrive({ extraHTTPHeaders: { 'sec-gpc': '1' } })
    await page.goto(`/p/${product.id}`)
    await page.goto('/')
    assert.equal(await row(page, 'home-recently-viewed'), undefined)
    await page.locator('.knows summary').click()
    await expectText(page.locator('.silence'), 'Global Privacy Control')
    await page.context().close()
  })

  test('a customer finds a shop that knows them', async () => {
    const { page } = await arrive()
    await page.goto('/')
    const stranger = await row(page, 'home-for-you')
    await signIn(page, '15380')
    const known = await row(page, 'home-for-you')
    assert.ok(known.reasons.some((reason) => /^(Because y|Y)ou bought/.test(reason)), known.reasons.join('; '))
    const shared = known.products.filter((product) => stranger.products.includes(product))
    assert.ok(shared.length <= known.products.length - 3, 'some of it is theirs alone')
    await page.context().close()
  })

  test('the whole way works without JavaScript', async () => {
    const { page } = await arrive({ javaScriptEnabled: false })
    await page.goto('/')
    await page.getByRole('navigation', { name: 'Departments' }).getByRole('link').first().click()
    await page.locator('.mercer-found .tile-link').first().click()
    await page.waitForURL('**/p/*')
    const title = await page.locator('h1').textContent()
    await page.getByRole('button', { name: 'Put it in the basket' }).click()
    await page.waitForURL('**/cart')
    await expectText(page.locator('.cart-lines'), title)
    await page.locator('.tile-foot form button').first().click()
    await expectText(page.locator('.notice'), 'not for you')
    await page.getByRole('button', { name: 'Take it back' }).click()
    await expectText(page.locator('.notice'), 'may be shown to you again')
    await page.locator('.why summary').first().click()
    assert.ok(await page.locator('.why li').first().isVisible())
    await page.getByRole('button', { name: 'Place the pretend order' }).click()
    await page.waitForURL('**/order')
    await expectText(page.locator('.bought'), title)
    await profileOnce(world.server, await anonymousId(page), (profile) => profile.orders === 1)
    assert.deepEqual(page.complaints, [])
    await page.context().close()
  })

  test('the way to an order needs no mouse', async () => {
    // Where nothing scrolls smoothly, the focus is in view at once.
    const { page } = await arrive({ reducedMotion: 'reduce' })
    await page.goto('/')
    await page.keyboard.press('Tab')
    assert.ok(await page.getByRole('link', { name: 'Skip to the content' }).evaluate((link) => link === document.activeElement))
    await tabTo(page, page.locator('#q'))
    await page.keyboard.type('bunting')
    await page.keyboard.press('Enter')
    await page.waitForURL('**/search?q=bunting')
    await tabTo(page, page.locator('.mercer-found .tile-link').first(), 120)
    await page.keyboard.press('Enter')
    await page.waitForURL('**/p/*')
    await tabTo(page, page.getByRole('button', { name: 'Put it in the basket' }))
    await page.keyboard.press('Enter')
    await page.waitForURL('**/cart')
    await tabTo(page, page.getByRole('button', { name: 'Place the pretend order' }))
    await page.keyboard.press('Enter')
    await page.waitForURL('**/order')
    await page.context().close()
  })
}
